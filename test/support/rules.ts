import { expect } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { inferShapes } from '../../src/graph/infer.js';
import { constantTensor, type Model, type Value } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { isTensorType } from '../../src/graph/types.js';
import { registry } from '../../src/ops/index.js';
import type { Rule } from '../../src/passes/rule.js';
import { runRules } from '../../src/passes/runner.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { elementCount } from '../../src/tensor/dtype.js';
import { hashName, streamAt } from '../../src/tensor/seeded.js';
import { asFloat64, fromFloat64, int64Tensor, isNumeric, type Tensor, tensor } from '../../src/tensor/tensor.js';

/** How far two results of one model may be apart, by what was rewritten and the type it is computed in. */
export interface Tolerance {
  /** Root mean square of the difference, relative to that of the reference. */
  readonly rms: number;
  readonly reason: string;
}

export const TOL = {
  exact: { rms: 0, reason: 'the same numbers are computed' },
  float32: { rms: 1e-6, reason: 'sums in another order, in float32' },
  float64: { rms: 1e-14, reason: 'sums in another order, in float64' },
  float16: { rms: 2e-3, reason: 'sums in another order, in float16' },
} as const satisfies Record<string, Tolerance>;

export interface RuleRun {
  readonly before: Model;
  readonly after: Model;
  readonly report: { readonly applied: number; readonly skipped: Readonly<Record<string, number>> };
}

/** Runs one rule over the model that a text describes (see `parseGraph`). */
export function runRule(rule: Rule, text: string, options: { readonly seed?: number } = {}): RuleRun {
  const before = parsed(text, options.seed);
  const after = parsed(text, options.seed);
  const report = runRules(after, [rule]);
  const skipped = Object.fromEntries(report.skipped.get(rule.name) ?? []);
  return { before, after, report: { applied: report.applied.get(rule.name) ?? 0, skipped } };
}

/** A model of a text, with the types that inference finds. */
export function parsed(text: string, seed = 0): Model {
  const model = parseGraph(text, { seed });
  const problems = inferShapes(model, registry);
  expect(problems.map((p) => p.message)).toEqual([]);
  return model;
}

/**
 * Fails unless onnxruntime, which optimises neither, gives the same outputs for both models: names, types, shapes and
 * numbers.
 */
export async function expectSameOutputs(before: Model, after: Model, tol: Tolerance, seed = 1): Promise<void> {
  const feeds = drawInputs(before, seed);
  const [a, b] = [await outputsOf(before, feeds), await outputsOf(after, feeds)];
  expect([...b.keys()]).toEqual([...a.keys()]);
  for (const [name, x] of a) {
    const y = b.get(name);
    if (!y) continue;
    expect({ name, dtype: y.dtype, shape: y.shape }).toEqual({ name, dtype: x.dtype, shape: x.shape });
    const { rms, places } = difference(x, y);
    expect(places, `${name}: NaN or infinity in other places`).toBe(true);
    expect(rms, `${name}: ${tol.reason}`).toBeLessThanOrEqual(tol.rms);
  }
}

async function outputsOf(model: Model, feeds: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Tensor>> {
  const [outputs] = await outputsOfRuns(model, [feeds]);
  return outputs ?? new Map();
}

/** What onnxruntime, optimiser off, gives in one session for one input after the other. */
export async function outputsOfRuns(
  model: Model,
  feeds: readonly ReadonlyMap<string, Tensor>[],
): Promise<readonly ReadonlyMap<string, Tensor>[]> {
  const outputs: ReadonlyMap<string, Tensor>[] = [];
  const session = await createSession(concat(writeOnnx(model)), { optimization: 'disabled', threads: 1 });
  try {
    for (const given of feeds) outputs.push(await session.run(given));
    return outputs;
  } finally {
    await session.release();
  }
}

/**
 * The root mean square difference relative to the reference's (0 where both are 0), and whether all that is not finite
 * agrees.
 */
export function difference(x: Tensor, y: Tensor): { readonly rms: number; readonly places: boolean } {
  if (!isNumeric(x.dtype)) return { rms: 0, places: JSON.stringify(x.strings?.()) === JSON.stringify(y.strings?.()) };
  const [u, v] = [asFloat64(x), asFloat64(y)];
  let [off, all, places] = [0, 0, true];
  u.forEach((a, i) => {
    const b = v[i] ?? Number.NaN;
    if (!Number.isFinite(a) || !Number.isFinite(b)) places &&= Object.is(a, b);
    else {
      off += (a - b) ** 2;
      all += a ** 2;
    }
  });
  return { rms: off === 0 ? 0 : Math.sqrt(off / (all || Number.MIN_VALUE)), places };
}

/** What free dimensions are drawn as. */
const FREE = 2;

/** A tensor for each input that has none of its own: floats from [-4, 4), integers from 0 to 3. */
export function drawInputs(model: Model, seed: number): ReadonlyMap<string, Tensor> {
  const inputs = model.graph.inputs.filter((v) => v.initializer === undefined || !constantTensor(v));
  return new Map(inputs.map((v) => [v.name, draw(v, seed)]));
}

function draw(input: Value, seed: number): Tensor {
  const { type } = input;
  if (!isTensorType(type)) throw new Error(`the input ${input.name} is no tensor`);
  const shape = (type.shape ?? []).map((d) => (typeof d === 'number' ? d : FREE));
  const start = (hashName(input.name) ^ Math.imul(seed, 0x9e3779b9)) >>> 0;
  const values = Float64Array.from({ length: elementCount(shape) }, (_, i) => 4 * streamAt(start, i));
  switch (type.dtype) {
    case 'float32':
    case 'float64':
    case 'float16':
      return fromFloat64(type.dtype, shape, values);
    case 'int64':
      return int64Tensor(
        shape,
        Array.from(values, (v) => Math.floor(Math.abs(v))),
      );
    case 'int32':
      return tensor('int32', shape, new Uint8Array(Int32Array.from(values, (v) => Math.abs(v)).buffer));
    case 'bool':
      return tensor(
        'bool',
        shape,
        Uint8Array.from(values, (v) => (v > 0 ? 1 : 0)),
      );
    default:
      throw new Error(`no values are drawn for ${type.dtype}`);
  }
}
