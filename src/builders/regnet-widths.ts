import { CnnxError } from '../base/errors.js';
import { divisible, roundEven } from './rounding.js';

/** One stage: `depth` blocks of `width` channels, convolved in groups of `groupWidth` inside a bottleneck of width / ratio. */
export interface Stage {
  readonly width: number;
  readonly depth: number;
  readonly groupWidth: number;
  readonly bottleneckRatio: number;
}

export interface Linear {
  /** Blocks in all. */
  readonly d: number;
  readonly w0: number;
  readonly wa: number;
  readonly wm: number;
  readonly groupWidth: number;
  readonly bottleneckRatio: number;
}

/**
 * The quantised linear parameterisation: widths u_j = w0 + wa j are moved to the nearest w0 wm^s with a whole s and to a multiple of 8;
 * equal ones form a stage; then widths are adjusted so that groups divide them. arXiv:2003.13678 sec. 3.3.
 */
export function quantisedStages({ d, w0, wa, wm, groupWidth, bottleneckRatio }: Linear): readonly Stage[] {
  if (w0 % 8 !== 0)
    throw new CnnxError('builder/option', `w0 ${w0} is no multiple of 8`, {
      at: { field: 'w0' },
      hint: `near it: ${divisible(w0, 8)}`,
    });
  const widths = Array.from({ length: d }, (_, j) => {
    const s = roundEven(Math.log((w0 + wa * j) / w0) / Math.log(wm));
    return roundEven((w0 * wm ** s) / 8) * 8;
  });
  return [...new Set(widths)].map((width) => {
    const depth = widths.filter((w) => w === width).length;
    const inner = Math.trunc(width / bottleneckRatio);
    if (inner < 1)
      throw new CnnxError('builder/option', `bottleneckRatio ${bottleneckRatio} leaves no channel of width ${width}`, {
        at: { field: 'bottleneckRatio' },
        hint: `at most ${width} works`,
      });
    const group = Math.min(groupWidth, inner);
    return { width: Math.trunc(divisible(inner, group) * bottleneckRatio), depth, groupWidth: group, bottleneckRatio };
  });
}

export const SPACES = ['A', 'B', 'C', 'D', 'E'] as const;
export type Space = (typeof SPACES)[number];

/** What each design space asks for, beyond the one before it. Sec. 3.2. */
const DEMANDS: readonly {
  readonly space: Space;
  readonly what: string;
  fails(a: Stage, b: Stage): string | undefined;
}[] = [
  {
    space: 'B',
    what: 'one bottleneck ratio for all stages',
    fails: (a, b) => differ(a.bottleneckRatio, b.bottleneckRatio),
  },
  { space: 'C', what: 'one group width for all stages', fails: (a, b) => differ(a.groupWidth, b.groupWidth) },
  { space: 'D', what: 'widths that do not fall', fails: (a, b) => falls(a.width, b.width) },
  { space: 'E', what: 'depths that do not fall', fails: (a, b) => falls(a.depth, b.depth) },
];

const differ = (a: number, b: number): string | undefined => (a === b ? undefined : `${a}, then ${b}`);
const falls = (a: number, b: number): string | undefined => (b >= a ? undefined : `${a}, then ${b}`);

/** Throws `builder/option` for a network outside the design space. */
export function checkSpace(space: Space, stages: readonly Stage[]): void {
  for (const demand of DEMANDS) {
    if (demand.space > space) return;
    stages.forEach((stage, i) => {
      const before = stages[i - 1];
      const found = before && demand.fails(before, stage);
      if (!found) return;
      throw new CnnxError(
        'builder/option',
        `space ${space} asks for ${demand.what}; stages ${i} and ${i + 1} have ${found}`,
        {
          at: { field: 'space' },
          hint: `it fits space ${SPACES[SPACES.indexOf(demand.space) - 1] ?? 'A'}`,
        },
      );
    });
  }
}
