import { readFileSync } from 'node:fs';
import { concat } from '../../src/base/bytes.js';
import { internalized, writeOnnx } from '../../src/formats/onnx/index.js';
import { cloneModel } from '../../src/graph/clone.js';
import { inferShapes } from '../../src/graph/infer.js';
import { constantTensor, type Model } from '../../src/graph/ir.js';
import { mutable, setGraphOutputs } from '../../src/graph/mutate.js';
import { staticShape } from '../../src/graph/types.js';
import { Conv, ConvTranspose, Gemm, MatMul, registry } from '../../src/ops/index.js';
import { evaluator } from '../../src/running/evaluate.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { asFloat32, float32Tensor, type Tensor } from '../../src/tensor/tensor.js';
import { runInOrt } from './equivalence.js';
import { shared, sharedJson } from './shared.js';

/* The multi-branch models of the ground truth: what their README says of inputs, outputs and the ideal graph. */

interface Input {
  readonly shape: readonly number[];
  readonly seed: number;
}
interface Case {
  readonly inputs: Readonly<Record<string, Input>>;
  readonly outputs: Readonly<Record<string, { readonly file: string; readonly shape: readonly number[] }>>;
}
export interface ReparamModel {
  readonly name: string;
  readonly file: string;
  readonly group: string;
  readonly cases: readonly Case[];
  readonly expected: Readonly<Record<string, number>>;
  readonly expectedAlso?: readonly Readonly<Record<string, number>>[];
  readonly idealParams?: number;
  readonly tol?: number;
  readonly authorsFuseError?: {
    readonly deployVsRef64: number;
    readonly deployInOrtVsRef64: number;
    readonly unfusedInOrtVsRef64: number;
  };
}

export const reparamModels = (): readonly ReparamModel[] =>
  (sharedJson('reference/reparam/manifest.json') as { readonly models: readonly ReparamModel[] }).models;

/** Element i of an input, as the README defines it. */
function inputElement(i: number, seed: number): number {
  let x = (Math.imul(i, 0x9e3779b1) + Math.imul(seed, 0x85ebca6b) + 0x165667b1) >>> 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d) >>> 0;
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b) >>> 0;
  x = (x ^ (x >>> 16)) >>> 0;
  return ((x / 4294967296) * 2 - 1) * 2;
}

export const feedsOf = (c: Case): ReadonlyMap<string, Tensor> =>
  new Map(
    Object.entries(c.inputs).map(([name, { shape, seed }]) => {
      const count = shape.reduce((n, d) => n * d, 1);
      return [
        name,
        float32Tensor(
          shape,
          Float32Array.from({ length: count }, (_, i) => inputElement(i, seed)),
        ),
      ];
    }),
  );

export interface OutputError {
  /** max |y - reference|. */
  readonly largest: number;
  /** max |reference|. */
  readonly peak: number;
}

/** How far a model's outputs are from the reference, over all cases; run by onnxruntime with its own optimiser on. */
export async function errorOf(model: Model, of: ReparamModel): Promise<OutputError> {
  const session = await createSession(concat(writeOnnx(model, { tensor: internalized })), { threads: 1 });
  let [largest, peak] = [0, 0];
  try {
    for (const c of of.cases) {
      const found = await session.run(feedsOf(c));
      for (const [name, { file }] of Object.entries(c.outputs)) {
        const y = found.get(name);
        const bytes = readFileSync(shared(`reference/reparam/${file}`));
        const reference = new Float32Array(new Uint8Array(bytes).buffer);
        if (!y || y.byteLength !== reference.byteLength) return { largest: Number.POSITIVE_INFINITY, peak: 1 };
        asFloat32(y).forEach((v, i) => {
          const d = Math.abs(v - (reference[i] ?? Number.NaN));
          largest = d <= largest ? largest : Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
          peak = Math.max(peak, Math.abs(reference[i] ?? 0));
        });
      }
    }
  } finally {
    await session.release();
  }
  return { largest, peak };
}

/** Numbers in the initializers that nodes read. */
export function paramsOf(model: Model): number {
  let count = 0;
  for (const value of model.graph.values.values()) {
    const data = constantTensor(value);
    if (data?.dtype.includes('float') && value.uses.size > 0) count += data.shape.reduce((n, d) => n * d, 1);
  }
  return count;
}

/** Multiply-accumulates of convolutions and products at the sizes of the first case, which onnxruntime tells. */
export async function macsOf(model: Model, of: ReparamModel): Promise<number> {
  const [first] = of.cases;
  const shown = cloneModel(model);
  inferShapes(shown, registry);
  const products = [...shown.graph.nodes()].filter(
    (n) => n.is(Conv) || n.is(ConvTranspose) || n.is(Gemm) || n.is(MatMul),
  );
  const values = products.flatMap((n) => n.outputs[0] ?? []);
  setGraphOutputs(shown.graph, values);
  mutable(shown.graph).outputInfos = values.map(({ name }) => ({ name }));
  for (const part of [shown, shown.graph]) mutable(part).span = undefined;
  const outputs = await runInOrt(shown, first ? feedsOf(first) : new Map());
  const size = (shape: readonly number[] | undefined): number => (shape ?? [Number.NaN]).reduce((n, d) => n * d, 1);
  return products.reduce((macs, node) => {
    const y = size(outputs.get(node.outputs[0]?.name ?? '')?.shape);
    const weight = staticShape(node.inputs[1]?.type) ?? [Number.NaN];
    if (node.is(Conv)) return macs + y * size(weight.slice(1));
    // An upper bound, the same for equal geometries: every output under every tap.
    if (node.is(ConvTranspose)) return macs + (y * size(weight)) / (weight[1] ?? 0) / node.attr.group;
    return macs + y * (node.is(Gemm) && node.attr.transB !== 0 ? (weight[1] ?? 0) : (weight[0] ?? 0));
  }, 0);
}

/** Operators that compute linear functions, or move what they are given. */
const LINEAR = new Set(
  'Add AveragePool BatchNormalization Concat Conv ConvTranspose Div Gemm MatMul Mean Mul Neg Pad ReduceMean ScatterND Slice Split Sub Sum Transpose Unsqueeze Squeeze Reshape'.split(
    ' ',
  ),
);

/** What keeps a fused graph from being ideal, in words; nothing when it is. */
export function shortfalls(
  of: ReparamModel,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): readonly string[] {
  const against = (expected: Readonly<Record<string, number>>): readonly string[] => {
    const wanted = new Map(Object.entries(expected));
    const more = Array.from(wanted).filter(([op, n]) => (after.get(op) ?? 0) > n);
    const others = Array.from(after).filter(
      ([op, n]) => LINEAR.has(op) && !wanted.has(op) && n > (before.get(op) ?? 0),
    );
    return [
      ...more.map(([op, n]) => `${after.get(op)} ${op} for ${n}`),
      ...others.map(([op, n]) => `${n} ${op} that were not there`),
    ];
  };
  const all = [of.expected, ...(of.expectedAlso ?? [])].map(against);
  return all.find((list) => list.length === 0) ?? all[0] ?? [];
}

/** Constant regions computed in this process. */
export const evaluateHere: ReturnType<typeof evaluator> = async (region) => {
  const session = await createSession(concat(writeOnnx(region)), { optimization: 'disabled', threads: 1 });
  try {
    return { values: await session.run(new Map()) };
  } finally {
    await session.release();
  }
};
