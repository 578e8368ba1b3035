import type { Model } from '../graph/ir.js';
import { Conv, DequantizeLinear, Gemm } from '../ops/index.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, releaseQuietly } from '../running/session.js';

const INTEGER_KERNELS = new Set(['QLinearConv', 'QGemm', 'ConvInteger', 'MatMulIntegerToFloat', 'QLinearMatMul']);

/** Layers with integer weights that onnxruntime, after all of its rewriting, does not run by an integer kernel: read from its own profile of one run. */
export async function withoutIntegerKernel(model: Model, feeds: Feeds, runner: Runner): Promise<readonly string[]> {
  const session = await runner.load(model, { threads: 1, kernels: true });
  try {
    await session.run(feeds);
  } catch (error) {
    await releaseQuietly(session);
    throw error;
  }
  const ran = new Set<string>();
  // Nodes that onnxruntime makes anew are called after the old ones, with a number behind.
  for (const { op, node } of await session.release())
    if (INTEGER_KERNELS.has(op)) ran.add(node.replace(/(?:_token_\d+|_nhwc|_quant)+$/, ''));
  return [...model.graph.nodes()].flatMap((node) => {
    if (!node.is(Conv) && !node.is(Gemm)) return [];
    const { name } = node;
    return node.inputs[1]?.producer?.is(DequantizeLinear) && name !== undefined && !ran.has(name) ? name : [];
  });
}
