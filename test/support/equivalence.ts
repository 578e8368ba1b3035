import { expect } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { internalized, writeOnnx } from '../../src/formats/onnx/index.js';
import { inferShapes } from '../../src/graph/infer.js';
import { constantTensor, type Model, type Value } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { registry } from '../../src/ops/index.js';
import { UNIT_ROUNDOFF } from '../../src/passes/affine/form.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { hashName, streamAt } from '../../src/tensor/seeded.js';
import { asFloat64, fromFloat64, int64Tensor, type Tensor, tensor } from '../../src/tensor/tensor.js';
import { magnitudes, type Nd, ofTensor, runNaive } from './naive/index.js';

/** A model of a text (see `parseGraph`), with the types that inference finds. */
export function typed(text: string, seed = 0): Model {
  const model = parseGraph(text, { seed });
  const problems = inferShapes(model, registry);
  expect(problems.map((p) => p.message)).toEqual([]);
  return model;
}

/** Sizes that free dimensions take: 2 images, and odd lengths that no stride divides. */
const sizeOf = (dim: number | string | undefined): number => (typeof dim === 'number' ? dim : dim === 'n' ? 2 : 9);

/**
 * A tensor in [-2, 2) for each input that a caller may give, exact in the input's type; bools are true or false,
 * integers 1; what overrides an initializer is positive, since it may be a variance. Free dimensions: `n` is 2, others
 * 9.
 */
export function drawFeeds(model: Model, seed = 1): ReadonlyMap<string, Tensor> {
  const given = model.graph.inputs.filter((v) => !constantTensor(v));
  return new Map(given.map((v) => [v.name, draw(v, seed)]));
}

function draw(input: Value, seed: number): Tensor {
  const type = input.type?.kind === 'tensor' ? input.type : undefined;
  const shape = (type?.shape ?? []).map(sizeOf);
  const start = (hashName(input.name) ^ Math.imul(seed, 0x9e3779b9)) >>> 0;
  const values = Float64Array.from({ length: elementCount(shape) }, (_, i) =>
    input.initializer ? 1 + streamAt(start, i) / 2 : 2 * streamAt(start, i),
  );
  switch (type?.dtype) {
    case 'float32':
    case 'float64':
    case 'float16':
    case 'bfloat16':
      return fromFloat64(type.dtype, shape, values);
    case 'int64':
      return int64Tensor(
        shape,
        Array.from(values, () => 1),
      );
    case 'bool':
      return tensor(
        'bool',
        shape,
        Uint8Array.from(values, (v) => (v > 0 ? 1 : 0)),
      );
    default:
      throw new Error(`no values are drawn for ${type?.dtype ?? 'an unknown type'}`);
  }
}

export type FloatName = keyof typeof UNIT_ROUNDOFF;

export interface Difference {
  /** The largest difference over the bound on what rounding explains: at most 1 when nothing else differs. */
  readonly ratio: number;
  readonly output: string | undefined;
}

/**
 * Both models in float64. The bound: each merged layer may be off by one rounding of its weights, and a padding
 * constant that an exporter computed in float32 by eight; relative to the magnitudes that were added up, not to a sum
 * that may cancel.
 */
export function compareNaive(
  before: Model,
  after: Model,
  feeds: ReadonlyMap<string, Tensor>,
  type: FloatName = 'float32',
): Difference {
  const given = new Map<string, Nd>(Array.from(feeds, ([name, t]) => [name, ofTensor(t)]));
  const a = runNaive(before, given);
  const b = runNaive(after, given);
  const bound = magnitudes(before, given, a.branches);
  return compare(a.outputs, b.outputs, bound.outputs, UNIT_ROUNDOFF[type] * (before.graph.nodeCount + 8));
}

/**
 * Both models in onnxruntime, which optimises neither. Sums of float32 in another order differ by more than the
 * roundings of weights.
 */
export async function compareInOrt(
  before: Model,
  after: Model,
  feeds: ReadonlyMap<string, Tensor>,
  type: FloatName = 'float32',
): Promise<Difference> {
  const given = new Map<string, Nd>(Array.from(feeds, ([name, t]) => [name, ofTensor(t)]));
  const { branches } = runNaive(before, given);
  const bound = magnitudes(before, given, branches);
  const a = await runInOrt(before, feeds);
  const b = await runInOrt(after, feeds);
  return compare(a, b, bound.outputs, 8 * UNIT_ROUNDOFF[type] * (before.graph.nodeCount + 8));
}

export async function runInOrt(model: Model, feeds: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Nd>> {
  const session = await createSession(concat(writeOnnx(model, { tensor: internalized })), {
    optimization: 'disabled',
    threads: 1,
  });
  try {
    const outputs = await session.run(feeds);
    return new Map(Array.from(outputs, ([name, t]) => [name, { shape: t.shape, data: asFloat64(t) }]));
  } finally {
    await session.release();
  }
}

export function compare(
  a: ReadonlyMap<string, Nd>,
  b: ReadonlyMap<string, Nd>,
  bound: ReadonlyMap<string, Nd>,
  relative: number,
): Difference {
  let worst: Difference = { ratio: 0, output: undefined };
  if ([...a.keys()].join() !== [...b.keys()].join()) return { ratio: Number.POSITIVE_INFINITY, output: 'the names' };
  for (const [name, x] of a) {
    const y = b.get(name);
    const m = bound.get(name);
    if (y?.shape.join() !== x.shape.join()) return { ratio: Number.POSITIVE_INFINITY, output: name };
    x.data.forEach((v, i) => {
      const d = Math.abs(v - (y.data[i] ?? Number.NaN));
      const ratio = d === 0 ? 0 : d / ((m?.data[i] ?? 0) * relative);
      // Not `ratio > worst`: a NaN is a difference.
      if (!(ratio <= worst.ratio))
        worst = { ratio: Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio, output: name };
    });
  }
  return worst;
}

/** Fails unless two models give the same outputs, in float64 and (but for `naiveOnly`) in onnxruntime. */
export async function expectEquivalent(
  before: Model,
  after: Model,
  options: {
    readonly seed?: number | undefined;
    readonly type?: FloatName | undefined;
    readonly naiveOnly?: boolean | undefined;
  } = {},
): Promise<void> {
  const feeds = drawFeeds(before, options.seed);
  expect(compareNaive(before, after, feeds, options.type).ratio).toBeLessThanOrEqual(1);
  if (options.naiveOnly) return;
  expect((await compareInOrt(before, after, feeds, options.type)).ratio).toBeLessThanOrEqual(1);
}
