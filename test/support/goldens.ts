import { readdirSync } from 'node:fs';
import { variants } from '../../src/builders/cards.js';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { goldenStream } from '../../src/builders/golden.js';
import type { Built } from '../../src/builders/build.js';
import type { Param } from '../../src/builders/params.js';
import type { Graph } from '../../src/graph/ir.js';
import { staticShape } from '../../src/graph/types.js';
import { Conv, Gemm, MatMul } from '../../src/ops/index.js';
import { asFloat32, float32Tensor, type Tensor } from '../../src/tensor/tensor.js';
import { groundTruth, groundTruthJson } from './ground-truth.js';
import { type Optimization } from '../../src/running/session.js';

export interface GoldenOutput {
  readonly shape: readonly number[];
  /** base64 of little-endian float32. */
  readonly data: string;
}

/** A golden file: what PyTorch computes for one network under the deterministic fill. */
export interface Golden {
  readonly name: string;
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly init: string;
  readonly var_scale: Readonly<Record<string, number>>;
  readonly params: number;
  readonly params_without_aux?: number;
  readonly state_dict: readonly (readonly [string, string, readonly number[]])[];
  readonly state_checksum: number;
  readonly input: { readonly shape: readonly number[]; readonly checksum: number };
  readonly outputs: Readonly<Record<string, GoldenOutput>>;
  readonly macs: number;
  readonly macs_with_aux?: number;
  readonly small?: {
    readonly input: { readonly shape: readonly number[] };
    readonly outputs: Readonly<Record<string, GoldenOutput>>;
    readonly macs: number;
  };
}

/** By its name in test/ground-truth/goldens. */
export const readGolden = (name: string): Golden => groundTruthJson(`goldens/${name}.json.gz`) as Golden;

export function goldenInput(shape: readonly number[]): Tensor {
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
  goldenStream(data, 'input', 0, 1);
  return float32Tensor(shape, data);
}

/** Sums of the float32 words of each tensor, chained: acc = acc * 31 + sum, modulo 2^32. */
export function stateChecksum(built: Built): number {
  let acc = 0;
  for (const param of built.stateDict) {
    if (param.dtype !== 'float32') continue;
    acc = (Math.imul(acc, 31) + wordSum(param)) | 0;
  }
  return acc >>> 0;
}

function wordSum(param: Param): number {
  let sum = 0;
  for (const { value } of param.placements) {
    const bytes = value.initializer?.bytes() ?? new Uint8Array(0);
    // Signed, and by index: several times as fast, and the same modulo 2^32.
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    for (let i = 0; i < words.length; i++) sum = (sum + (words[i] ?? 0)) | 0;
  }
  return sum;
}

/**
 * Multiply-accumulates of Conv, Gemm and MatMul, counted from the graph's shapes alone; of nodes whose name passes
 * `only`.
 */
export function naiveMacs(graph: Graph, only: (name: string) => boolean = () => true): number {
  let macs = 0;
  for (const node of graph.nodes()) {
    if (!only(node.name ?? '')) continue;
    if (node.is(Conv)) {
      const w = staticShape(node.in.w.type) ?? [];
      const y = staticShape(node.out.y.type) ?? [];
      macs += y.reduce((n, d) => n * d, 1) * w.slice(1).reduce((n, d) => n * d, 1);
    } else if (node.is(Gemm)) {
      const w = staticShape(node.in.b.type) ?? [];
      macs += w.reduce((n, d) => n * d, 1);
    } else if (node.is(MatMul)) {
      const y = staticShape(node.out.y.type) ?? [];
      macs += y.reduce((n, d) => n * d, 1) * (staticShape(node.in.a.type)?.at(-1) ?? 0);
    }
  }
  return macs;
}

/** Elements of all convolutions' outputs. */
export function naiveActivations(graph: Graph, only: (name: string) => boolean = () => true): number {
  let elements = 0;
  for (const node of graph.nodes())
    if (node.is(Conv) && only(node.name ?? ''))
      elements += (staticShape(node.out.y.type) ?? []).reduce((n, d) => n * d, 1);
  return elements;
}

/** Runs a network on one thread, which makes results the same on every machine of a kind. */
export async function runBuilt(
  built: Built,
  input: Tensor,
  optimization: Optimization = 'all',
): Promise<ReadonlyMap<string, Tensor>> {
  const session = await createSession(concat(writeOnnx(built.model)), { threads: 1, optimization });
  try {
    return await session.run(new Map([['input', input]]));
  } finally {
    await session.release();
  }
}

/** What is fair between two float32 implementations: folding every BatchNormalization moves logits by up to 4.3e-6. */
export const TOLERANCE = { relative: 2e-5, largest: 5e-5 } as const;

export interface Errors {
  /** ||a - b|| / ||b||. */
  readonly relative: number;
  /** max |a - b| / max |b|. */
  readonly largest: number;
}

export function errorsOf(found: Tensor, golden: GoldenOutput): Errors {
  const a = asFloat32(found);
  const bytes = Buffer.from(golden.data, 'base64');
  let difference = 0;
  let norm = 0;
  let largest = 0;
  let peak = 0;
  for (let i = 0; i < a.length; i++) {
    const expected = bytes.readFloatLE(4 * i);
    const d = (a[i] ?? Number.NaN) - expected;
    difference += d * d;
    norm += expected * expected;
    largest = Math.max(largest, Math.abs(d));
    peak = Math.max(peak, Math.abs(expected));
  }
  if (a.length * 4 !== bytes.byteLength) return { relative: Number.NaN, largest: Number.NaN };
  return { relative: Math.sqrt(difference / norm), largest: largest / peak };
}

/** The names of the golden files of networks that there are cards for. */
export function goldens(): readonly string[] {
  const known = new Set(variants().map((v) => v.name));
  return readdirSync(groundTruth('goldens'))
    .map((file) => file.replace('.json.gz', ''))
    .filter((name) => known.has(name));
}
