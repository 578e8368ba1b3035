import type { Dim } from '../graph/types.js';
import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Port } from './port.js';

/** What a caller says about sizes: shapes by input, sizes by the name of a free dimension. */
export interface Sizes {
  readonly shapes?: ReadonlyMap<string, readonly number[]> | undefined;
  readonly dims?: ReadonlyMap<string, number> | undefined;
}

/** One way to choose what a model leaves open. Several are tried in order, until the reference runs. */
export interface Plan {
  /** Of the first axis: two, so that what mixes the images of a batch shows; some models take one only. */
  readonly batch: number;
  /** Of free height, width, depth. */
  readonly spatial: number;
  /** Of free channels and features. */
  readonly features: number;
  /** Of free lengths of sequences. */
  readonly length: number;
  /** Integers are drawn below this: they may be indices into something small. */
  readonly integers: number;
  /** 'normal' (0, 1), or positive numbers near 1, which scales, probabilities and divisors have to be. */
  readonly floats: 'normal' | 'positive';
}

const COMMON: Plan = { batch: 2, spatial: 64, features: 3, length: 8, integers: 10, floats: 'normal' };
const ONE: Plan = { ...COMMON, batch: 1 };

/** Half a kilobyte of text or 32 frames of sound; a second of speech. */
const LONG = [512, 16_000];

export const PLANS: readonly Plan[] = [
  COMMON,
  { ...COMMON, integers: 2 },
  ONE,
  { ...COMMON, spatial: 224 },
  { ...COMMON, spatial: 32 },
  { ...COMMON, spatial: 28, features: 1 },
  { ...COMMON, spatial: 299 },
  { ...COMMON, spatial: 8, features: 8, integers: 1 },
  { ...COMMON, spatial: 8, features: 1, integers: 2, floats: 'positive' },
  ...LONG.flatMap((length) => [
    { ...COMMON, length },
    { ...ONE, length },
    { ...COMMON, length, features: length, spatial: length === 512 ? 512 : 8 },
    { ...ONE, length, features: length, spatial: length === 512 ? 512 : 8 },
    { ...ONE, length: 8, features: 1, spatial: length },
  ]),
  { ...ONE, integers: 2 },
  { ...ONE, spatial: 224 },
  { ...ONE, spatial: 640 },
  { ...ONE, spatial: 32 },
  { ...ONE, spatial: 48 },
  { ...ONE, features: 1 },
  { ...ONE, features: 80, spatial: 100 },
  { ...ONE, length: 1, features: 1, spatial: 1 },
  { ...ONE, length: 1, features: 1, spatial: 1, integers: 1 },
  { ...COMMON, features: 64 },
  { ...COMMON, features: 256, length: 256 },
  { ...ONE, features: 8, spatial: 8, integers: 2, floats: 'positive' },
];

type Kind = 'batch' | 'length' | 'features' | 'spatial';

/** What an open size is likely to be, by its name and where it stands. */
function kindOf(name: string, axis: number, rank: number): Kind {
  if (/batch/i.test(name)) return 'batch';
  if (/len|seq|token|time|frame|step/i.test(name)) return 'length';
  if (axis === 0) return rank > 1 ? 'batch' : 'features';
  return axis === 1 ? 'features' : 'spatial';
}

/**
 * The shapes to feed the inputs: what the model fixes, then what the caller says, then the plan. One name is one size
 * wherever it stands.
 */
export function chooseShapes(ports: readonly Port[], plan: Plan, sizes: Sizes): ReadonlyMap<string, readonly number[]> {
  const named = namedSizes(ports, plan, sizes);
  return new Map(
    ports.map(({ name, shape }) => [
      name,
      sizes.shapes?.get(name) ??
        shape.map((d, axis) => {
          if (typeof d === 'number' && d >= 0) return d;
          return named.get(String(d)) ?? plan[kindOf('', axis, shape.length)];
        }),
    ]),
  );
}

/**
 * Sizes by the names that a model's inputs give them: of a name that stands on several axes the first that is a batch
 * decides.
 */
export function namedSizes(ports: readonly Port[], plan: Plan, { shapes, dims }: Sizes): ReadonlyMap<string, number> {
  const kinds = new Map<string, Kind>();
  const given = new Map(dims);
  for (const { name, shape } of ports) {
    shape.forEach((d, axis) => {
      if (typeof d === 'number' || d === '?') return;
      const kind = kindOf(d, axis, shape.length);
      if (!kinds.has(d) || kind === 'batch') kinds.set(d, kind);
      const size = shapes?.get(name)?.[axis];
      if (size !== undefined && !given.has(d)) given.set(d, size);
    });
  }
  return new Map(Array.from(kinds, ([name, kind]) => [name, given.get(name) ?? plan[kind]]));
}

/**
 * Throws `runtime/input` for a shape of an input, or a size by a name, that the inputs do not have, with those that
 * they have.
 */
export function checkSizes(ports: readonly Port[], { shapes, dims }: Sizes): void {
  const refuse = (what: string, name: string, known: readonly string[]): CnnxError =>
    new CnnxError('runtime/input', `no input ${what} ${printable(name)}`, {
      hint: known.length === 0 ? 'there is none' : `there are: ${known.map((k) => printable(k)).join(', ')}`,
    });
  const names = [
    ...new Set(ports.flatMap((p) => p.shape.filter((d): d is string => typeof d === 'string' && d !== '?'))),
  ];
  for (const name of dims?.keys() ?? []) if (!names.includes(name)) throw refuse('has a dimension named', name, names);
  const inputs = ports.map((p) => p.name);
  for (const name of shapes?.keys() ?? []) if (!inputs.includes(name)) throw refuse('is named', name, inputs);
}

/** Sizes of a shape that may have names: undefined where one is not known. */
export function resolved(shape: readonly Dim[], named: ReadonlyMap<string, number>): readonly number[] | undefined {
  const out = shape.map((d) => (typeof d === 'string' ? named.get(d) : d));
  return out.every((d) => d !== undefined) ? out : undefined;
}
