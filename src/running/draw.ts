import { bytesOf, type DType, elementCount } from '../tensor/dtype.js';
import { numberToBfloat, numberToHalf } from '../tensor/half.js';
import { int64Tensor, stringTensor, type Tensor, tensor } from '../tensor/tensor.js';
import { isPicture, type Picture, pictureOf } from './draw-picture.js';
import { chooseShapes, namedSizes, type Plan, resolved, type Sizes } from './plans.js';
import type { Feeds, Port } from './port.js';
import type { ShapeRole } from './shape-roles.js';

/** What is needed to draw the same inputs again, anywhere: small, whatever they take. */
export interface Drawing {
  readonly ports: readonly Port[];
  readonly plan: Plan;
  readonly sizes: Sizes;
  readonly seed: number;
  /** What inputs that could be pictures are; numbers like any others if absent. */
  readonly picture?: Picture | undefined;
  /** Inputs that are shapes, by name. */
  readonly roles?: ReadonlyMap<string, ShapeRole> | undefined;
}

/** Random tensors for the inputs of a model; the same for one seed. */
export function drawInputs({ ports, plan, sizes, seed, picture, roles }: Drawing): Feeds {
  const random = generator(seed);
  const shapes = chooseShapes(ports, plan, sizes);
  const named = namedSizes(ports, plan, sizes);
  return new Map(
    ports.map((port) => {
      const [dtype, shape] = [port.dtype ?? 'float32', shapes.get(port.name) ?? []];
      const role = roles?.get(port.name);
      const entries = role && drawShape(role, shape[0] ?? 0, resolved(role.of, named), random);
      if (entries && dtype === 'int64' && shape.length === 1) return [port.name, int64Tensor(shape, entries)];
      const next =
        picture && isPicture(dtype, shape)
          ? pictureOf(picture, dtype, shape, random)
          : sampler(dtype, shape, plan, random);
      return [port.name, draw(dtype, shape, plan, next, random)];
    }),
  );
}

/**
 * Another shape of as many elements, or one that a tensor broadcasts to; undefined where what it is for has no known
 * shape.
 */
function drawShape(
  { op }: ShapeRole,
  rank: number,
  of: readonly number[] | undefined,
  random: () => number,
): readonly number[] | undefined {
  if (!of) return undefined;
  const below = (n: number): number => Math.floor(random() * n);
  if (op === 'Expand') {
    const own = [...Array.from({ length: Math.max(0, rank - of.length) }, () => 1), ...of].slice(-rank);
    return own.map((d) => (d === 1 ? 1 + below(3) : d));
  }
  for (let attempt = 0; attempt < 20; attempt++) {
    const out = Array.from({ length: rank }, () => 1);
    for (const prime of primesOf(elementCount(of))) {
      const axis = below(rank);
      out[axis] = (out[axis] ?? 1) * prime;
    }
    if (out.join() !== of.join()) return out;
  }
  return undefined;
}

function primesOf(count: number): readonly number[] {
  const out: number[] = [];
  let left = count;
  for (let p = 2; p * p <= left; p++) {
    for (; left % p === 0 && left > 0; left /= p) out.push(p);
  }
  return left > 1 ? [...out, left] : out;
}

function draw(
  dtype: DType,
  shape: readonly number[],
  plan: Plan,
  next: (i: number) => number,
  random: () => number,
): Tensor {
  const count = elementCount(shape);
  if (dtype === 'string')
    return stringTensor(
      shape,
      Array.from({ length: count }, () => new TextEncoder().encode(`w${Math.floor(random() * plan.integers)}`)),
    );
  const bytes = new Uint8Array(bytesOf(dtype, count));
  const view = new DataView(bytes.buffer);
  const write = WRITERS[dtype];
  if (!write) bytes.forEach((_, i) => (bytes[i] = Math.floor(random() * 256)));
  else for (let i = 0; i < count; i++) write(view, i, next(i));
  return tensor(dtype, shape, bytes);
}

/** Numbers that an input of this type and shape is likely to take. */
function sampler(dtype: DType, shape: readonly number[], plan: Plan, random: () => number): () => number {
  if (dtype === 'bool') return () => Math.floor(random() * 2);
  if (/^u?int/.test(dtype)) {
    // Small types of high rank are pictures or quantised numbers, not indices.
    const wide = (dtype === 'uint8' || dtype === 'int8') && shape.length > 2;
    const from = wide && dtype === 'int8' ? -128 : 0;
    const range = wide ? 256 : plan.integers;
    return () => from + Math.floor(random() * range);
  }
  if (plan.floats === 'positive') return () => 0.5 + random();
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const WRITERS: Partial<Record<DType, (view: DataView, i: number, v: number) => void>> = {
  float32: (w, i, v) => w.setFloat32(4 * i, v, true),
  float64: (w, i, v) => w.setFloat64(8 * i, v, true),
  float16: (w, i, v) => w.setUint16(2 * i, numberToHalf(v), true),
  bfloat16: (w, i, v) => w.setUint16(2 * i, numberToBfloat(v), true),
  bool: (w, i, v) => w.setUint8(i, v),
  uint8: (w, i, v) => w.setUint8(i, v),
  int8: (w, i, v) => w.setInt8(i, v),
  uint16: (w, i, v) => w.setUint16(2 * i, v, true),
  int16: (w, i, v) => w.setInt16(2 * i, v, true),
  uint32: (w, i, v) => w.setUint32(4 * i, v, true),
  int32: (w, i, v) => w.setInt32(4 * i, v, true),
  uint64: (w, i, v) => w.setBigUint64(8 * i, BigInt(v), true),
  int64: (w, i, v) => w.setBigInt64(8 * i, BigInt(v), true),
};

/** Uniform numbers in [0, 1) from a seed (mulberry32: good enough to test with, and the same everywhere). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
