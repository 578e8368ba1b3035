import type { Linear, Stage } from '../../builders/regnet-widths.js';
import { blockWidths, fittedStage, quantisedStages } from '../../builders/regnet-widths.js';
import type { Draws } from './draws.js';

export const SPACE_NAMES = [
  'anynet_a',
  'anynet_b',
  'anynet_c',
  'anynet_d',
  'anynet_e',
  'regnet_x',
  'regnet_y',
] as const;
export type SpaceName = (typeof SPACE_NAMES)[number];

/** A network of a space: its stages, and the configuration that a card has. */
export interface Point {
  readonly stages: readonly Stage[];
  readonly config: Readonly<Record<string, unknown>>;
}

/** How numbers are drawn: as the paper samples its networks, or each point of the space as likely as the others (to count them). */
export type Law = 'sample' | 'uniform';

export interface Space {
  readonly name: SpaceName;
  readonly family: 'anynet' | 'regnet';
  readonly seRatio: number | undefined;
  /** How many points there are: settings of all parameters, whether or not two of them give one network. */
  readonly size: number;
  /** One point; undefined where a draw leaves the space, to be drawn again. */
  draw(draws: Draws, by: Law): Point | undefined;
}

/** arXiv:2003.13678 sec. 3.2: four stages of 1 to 16 blocks, widths to 1024 in steps of 8, bottleneck ratios 1, 2, 4, group widths 1 to 32. */
const ANYNET = {
  stages: 4,
  depths: 16,
  widths: 128,
  step: 8,
  ratios: [1, 2, 4],
  groups: [1, 2, 4, 8, 16, 32],
} as const;

/** Sec. 3.3, and pycls' sampler: ranges for networks up to 16 GF. */
const REGNET = {
  d: [12, 28],
  w0: [8, 256, 8],
  wa: [8, 256, 0.1],
  wm: [2, 3, 0.001],
  groups: [8, 16, 32, 64, 128],
  stages: 4,
} as const;

/** What is shared by all stages, and what may not fall from stage to stage. */
interface Ties {
  readonly ratio: boolean;
  readonly group: boolean;
  readonly widths: boolean;
  readonly depths: boolean;
}

const NO_TIES: Ties = { ratio: false, group: false, widths: false, depths: false };
const TIES: Readonly<Record<'a' | 'b' | 'c' | 'd' | 'e', Ties>> = {
  a: NO_TIES,
  b: { ...NO_TIES, ratio: true },
  c: { ...NO_TIES, ratio: true, group: true },
  d: { ratio: true, group: true, widths: true, depths: false },
  e: { ratio: true, group: true, widths: true, depths: true },
};

export function spaceOf(name: SpaceName): Space {
  if (name === 'regnet_x' || name === 'regnet_y') return regnetSpace(name);
  const letter = name.slice(-1) as keyof typeof TIES;
  const ties = TIES[letter];
  const { stages, depths, widths, ratios, groups } = ANYNET;
  return {
    name,
    family: 'anynet',
    seRatio: undefined,
    size:
      ratios.length ** (ties.ratio ? 1 : stages) *
      groups.length ** (ties.group ? 1 : stages) *
      (ties.widths ? rising(widths, stages) : widths ** stages) *
      (ties.depths ? rising(depths, stages) : depths ** stages),
    draw: (draws, by) => drawAnynet(draws, by, letter.toUpperCase(), ties),
  };
}

/** Sequences of `count` numbers out of `from` that do not fall: C(from + count - 1, count). */
function rising(from: number, count: number): number {
  let product = 1;
  for (let i = 0; i < count; i++) product = (product * (from + i)) / (i + 1);
  return product;
}

function drawAnynet(draws: Draws, by: Law, space: string, ties: Ties): Point {
  const { stages, depths, widths, step, ratios, groups } = ANYNET;
  const each = <T>(make: () => T, once: boolean): T[] => {
    const first = make();
    return Array.from({ length: stages }, (_, i) => (i === 0 || once ? first : make()));
  };
  const depth = (): number => (by === 'uniform' ? draws.whole(1, depths) : draws.logUniform(1, depths, 1));
  const width = (): number =>
    by === 'uniform' ? step * draws.whole(1, widths) : draws.logUniform(step, step * widths, step);
  const d = inOrder(() => each(depth, false), ties.depths);
  const w = inOrder(() => each(width, false), ties.widths);
  const b = each(() => draws.of(ratios), ties.ratio);
  const g = each(() => draws.of(groups), ties.group);
  const fitted = w.map((width, i) =>
    fittedStage({ width, depth: d[i] ?? 1, groupWidth: g[i] ?? 1, bottleneckRatio: b[i] ?? 1 }, 'nearest'),
  );
  return {
    stages: fitted,
    config: {
      space,
      widths: fitted.map((s) => s.width),
      depths: fitted.map((s) => s.depth),
      groupWidths: fitted.map((s) => s.groupWidth),
      bottleneckRatios: fitted.map((s) => s.bottleneckRatio),
    },
  };
}

/** Drawn again until they do not fall: the paper's rejection, one list at a time, which is the same since the lists are independent. */
function inOrder(make: () => number[], wanted: boolean): number[] {
  for (;;) {
    const list = make();
    if (!wanted || list.every((v, i) => v >= (list[i - 1] ?? 0))) return list;
  }
}

function regnetSpace(name: 'regnet_x' | 'regnet_y'): Space {
  const { d, w0, wa, wm, groups } = REGNET;
  const seRatio = name === 'regnet_y' ? 0.25 : undefined;
  const steps = ([low, high, step]: readonly [number, number, number]): number => Math.round((high - low) / step) + 1;
  const draw = (draws: Draws, by: Law, [low, high, step]: readonly [number, number, number]): number =>
    by === 'sample'
      ? draws.logUniform(low, high, step)
      : Number((low + step * draws.whole(0, steps([low, high, step]) - 1)).toFixed(6));
  return {
    name,
    family: 'regnet',
    seRatio,
    size: (d[1] - d[0] + 1) * steps(w0) * steps(wa) * steps(wm) * groups.length,
    draw: (draws, by) => {
      const linear: Linear = {
        d: draws.whole(...d),
        w0: draw(draws, by, w0),
        wa: draw(draws, by, wa),
        wm: draw(draws, by, wm),
        groupWidth: draws.of(groups),
        bottleneckRatio: 1,
        widthRounding: 'nearest',
      };
      if (!hasEveryStage(linear)) return undefined;
      const { bottleneckRatio: _, ...config } = linear;
      return { stages: quantisedStages(linear), config: { ...config, ...(seRatio !== undefined && { seRatio }) } };
    },
  };
}

/** Exactly four stages, with no power of wm left out between them. */
function hasEveryStage(linear: Linear): boolean {
  const widths = blockWidths(linear);
  const { w0, wa, wm, d } = linear;
  const possible = Math.round(Math.log((w0 + wa * (d - 1)) / w0) / Math.log(wm)) + 1;
  return new Set(widths).size === REGNET.stages && possible === REGNET.stages;
}
