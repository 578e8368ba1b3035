import { CnnxError } from '../base/errors.js';
import { bytesOf, type DType, elementCount } from '../tensor/dtype.js';
import { numberToBfloat, numberToHalf } from '../tensor/half.js';
import { stringTensor, type Tensor, tensor } from '../tensor/tensor.js';
import type { Feeds, Port, Session } from './session.js';

/** What a caller says about sizes: shapes by input, sizes by the name of a free dimension. */
export interface Sizes {
  readonly shapes?: ReadonlyMap<string, readonly number[]> | undefined;
  readonly dims?: ReadonlyMap<string, number> | undefined;
}

/** One way to choose what a model leaves open. Several are tried in order, until the reference runs. */
interface Plan {
  /** Of free height, width, depth. */
  readonly spatial: number;
  /** Of free channels and features. */
  readonly features: number;
  /** Integers are drawn below this: they may be indices into something small. */
  readonly integers: number;
  /** 'normal' (0, 1), or positive numbers near 1, which scales, probabilities and divisors have to be. */
  readonly floats: 'normal' | 'positive';
}

const COMMON: Plan = { spatial: 64, features: 3, integers: 10, floats: 'normal' };

const PLANS: readonly Plan[] = [
  COMMON,
  { ...COMMON, integers: 2 },
  { ...COMMON, spatial: 224 },
  { ...COMMON, spatial: 32 },
  { ...COMMON, spatial: 28, features: 1 },
  { ...COMMON, spatial: 299 },
  { ...COMMON, spatial: 8, features: 8, integers: 1 },
  { ...COMMON, spatial: 8, features: 1, integers: 2, floats: 'positive' },
];

/** A free batch: two, so that what mixes the images of a batch shows. */
const BATCH = 2;
/** A free length of a sequence. */
const LENGTH = 8;

/** The shape to feed an input: what the model fixes, then what the caller says, then the plan. One name is one size. */
function chooseShape(port: Port, plan: Plan, sizes: Sizes): readonly number[] {
  const given = sizes.shapes?.get(port.name);
  if (given) return given;
  return port.shape.map((d, axis) => {
    if (typeof d === 'number' && d >= 0) return d;
    const named = typeof d === 'string' ? sizes.dims?.get(d) : undefined;
    if (named !== undefined) return named;
    if (typeof d === 'string' && /len|seq|token|time/i.test(d)) return LENGTH;
    if (axis === 0) return port.shape.length > 1 ? BATCH : plan.features;
    return axis === 1 ? plan.features : plan.spatial;
  });
}

/** Inputs, and what came out. */
export interface Run {
  readonly feeds: Feeds;
  readonly outputs: Feeds;
}

/**
 * Runs a model on random inputs that it accepts, the same for one seed: what it leaves open is chosen in several ways until it runs. Of further
 * inputs those that it refuses (an integer may be a shape) are left out. Throws `runtime/run` with the first refusal when it accepts none, and
 * whatever else running it throws.
 */
export async function suitableRuns(
  session: Session,
  options: { readonly sizes: Sizes; readonly seed: number; readonly runs: number },
): Promise<readonly Run[]> {
  const tried = new Set<string>();
  let refused: CnnxError | undefined;
  for (const plan of PLANS) {
    const draw = (seed: number): Feeds => drawInputs(session.inputs, plan, options.sizes, seed);
    const feeds = draw(options.seed);
    const key = JSON.stringify([describe(feeds), hasIntegers(session.inputs) && plan.integers, plan.floats]);
    if (tried.has(key)) continue;
    tried.add(key);
    const first = await attempt(session, feeds);
    if (first instanceof CnnxError) {
      refused ??= first;
      continue;
    }
    const runs = [first];
    for (let i = 1; i < options.runs; i++) {
      const next = await attempt(session, draw(options.seed + i));
      if (!(next instanceof CnnxError)) runs.push(next);
    }
    return runs;
  }
  throw new CnnxError('runtime/run', `no random input suits the model: ${refused?.message ?? ''}`, {
    hint: 'give its sizes with --shape, or inputs of your own',
  });
}

/** One run, or the refusal of these inputs; anything else is thrown. */
async function attempt(session: Session, feeds: Feeds): Promise<Run | CnnxError> {
  try {
    return { feeds, outputs: await session.run(feeds) };
  } catch (error) {
    if (error instanceof CnnxError && (error.code === 'runtime/run' || error.code === 'runtime/input')) return error;
    throw error;
  }
}

const describe = (feeds: Feeds): readonly unknown[] => [...feeds].map(([name, t]) => [name, t.dtype, t.shape]);

const hasIntegers = (ports: readonly Port[]): boolean => ports.some((p) => /^u?int/.test(p.dtype ?? ''));

/** Random tensors for the inputs of a model; the same for one seed. */
function drawInputs(ports: readonly Port[], plan: Plan, sizes: Sizes, seed: number): Feeds {
  const random = generator(seed);
  return new Map(
    ports.map((port) => [port.name, draw(port.dtype ?? 'float32', chooseShape(port, plan, sizes), plan, random)]),
  );
}

function draw(dtype: DType, shape: readonly number[], plan: Plan, random: () => number): Tensor {
  const count = elementCount(shape);
  if (dtype === 'string')
    return stringTensor(
      shape,
      Array.from({ length: count }, () => new TextEncoder().encode(`w${Math.floor(random() * plan.integers)}`)),
    );
  const bytes = new Uint8Array(bytesOf(dtype, count));
  const view = new DataView(bytes.buffer);
  const next = sampler(dtype, shape, plan, random);
  const write = WRITERS[dtype];
  if (!write) bytes.forEach((_, i) => (bytes[i] = Math.floor(random() * 256)));
  else for (let i = 0; i < count; i++) write(view, i, next());
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
