import { CnnxError } from '../base/errors.js';
import { divisible, roundEven } from './rounding.js';

/** One stage: `depth` blocks of `width` channels, convolved in groups of `groupWidth` inside a bottleneck of width / ratio. */
export interface Stage {
  readonly width: number;
  readonly depth: number;
  readonly groupWidth: number;
  readonly bottleneckRatio: number;
}

/** How widths become multiples of their group width: `nearest`, as in the paper's code, or as torchvision does, which never takes a tenth away. */
export const WIDTH_ROUNDINGS = ['torchvision', 'nearest'] as const;
export type WidthRounding = (typeof WIDTH_ROUNDINGS)[number];

export interface Linear {
  /** Blocks in all. */
  readonly d: number;
  readonly w0: number;
  readonly wa: number;
  readonly wm: number;
  readonly groupWidth: number;
  readonly bottleneckRatio: number;
  readonly widthRounding?: WidthRounding | undefined;
}

/**
 * The quantised linear parameterisation: widths u_j = w0 + wa j are moved to the nearest w0 wm^s with a whole s and to a multiple of 8;
 * equal ones form a stage; then widths are adjusted so that groups divide them. arXiv:2003.13678 sec. 3.3.
 */
export function quantisedStages(linear: Linear): readonly Stage[] {
  const { groupWidth, bottleneckRatio, widthRounding = 'torchvision' } = linear;
  const widths = blockWidths(linear);
  return [...new Set(widths)].map((width) => {
    const depth = widths.filter((w) => w === width).length;
    return fittedStage({ width, depth, groupWidth, bottleneckRatio }, widthRounding);
  });
}

/** A stage whose inner width its groups divide. Throws `builder/option` where no inner channel is left. */
export function fittedStage({ width, depth, groupWidth, bottleneckRatio }: Stage, rounding: WidthRounding): Stage {
  const inner = Math.trunc(width / bottleneckRatio);
  if (inner < 1)
    throw new CnnxError('builder/option', `bottleneckRatio ${bottleneckRatio} leaves no channel of width ${width}`, {
      at: { field: 'bottleneckRatio' },
      hint: `at most ${width} works`,
    });
  const group = Math.min(groupWidth, inner);
  const fitted = rounding === 'nearest' ? Math.max(group, roundEven(inner / group) * group) : divisible(inner, group);
  return { width: Math.trunc(fitted * bottleneckRatio), depth, groupWidth: group, bottleneckRatio };
}

/** The width of each block, before groups have their say. */
export function blockWidths({ d, w0, wa, wm }: Pick<Linear, 'd' | 'w0' | 'wa' | 'wm'>): readonly number[] {
  if (w0 % 8 !== 0)
    throw new CnnxError('builder/option', `w0 ${w0} is no multiple of 8`, {
      at: { field: 'w0' },
      hint: `near it: ${divisible(w0, 8)}`,
    });
  return Array.from({ length: d }, (_, j) => {
    const s = roundEven(Math.log((w0 + wa * j) / w0) / Math.log(wm));
    return roundEven((w0 * wm ** s) / 8) * 8;
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
  {
    space: 'C',
    what: 'one group width for all stages (a narrower stage is one group)',
    fails: (a, b) => (isOneGroup(a) || isOneGroup(b) ? undefined : differ(a.groupWidth, b.groupWidth)),
  },
  { space: 'D', what: 'widths that do not fall', fails: (a, b) => falls(a.width, b.width) },
  { space: 'E', what: 'depths that do not fall', fails: (a, b) => falls(a.depth, b.depth) },
];

const differ = (a: number, b: number): string | undefined => (a === b ? undefined : `${a}, then ${b}`);
/** Fewer channels than the shared group width: all of them are the group. */
const isOneGroup = ({ width, groupWidth, bottleneckRatio }: Stage): boolean =>
  groupWidth >= Math.trunc(width / bottleneckRatio);
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
