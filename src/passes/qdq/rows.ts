import type { Node } from '../../graph/ir.js';
import { Conv, Gemm } from '../../ops/index.js';

/**
 * A weight as rows, one for each output channel, each in the order in which integer kernels add up products. Element `j` of row `o` stands at
 * `o * rowStep + order[j]` of the tensor.
 */
export interface Rows {
  readonly count: number;
  readonly order: Int32Array;
  readonly rowStep: number;
  /** Whether the kernel adds neighbouring products in saturating int16 on x86 without VNNI. */
  readonly paired: boolean;
  /** The axis of the tensor along which scales run. */
  readonly axis: number;
}

/**
 * How MLAS packs the reduction axis (onnxruntime, core/mlas/lib: qgemm_kernel_avx2.cpp and QgemvU8S8KernelAvx2.S take rows of K two by two from the first;
 * qlinearconv.cc reorders filters to kernel position, then input channel; convsym.cpp keeps that order and starts anew at each position, where
 * channels are a multiple of four). Depthwise kernels (qdwconv_avx2.cpp, ConvSymKernelAvx2.S) multiply in 32 bits: nothing is paired.
 */
export function rowsOf(node: Node, shape: readonly number[]): Rows {
  if (node.is(Gemm)) {
    const [a = 0, b = 0] = shape;
    return node.attr.transB === 0
      ? { count: b, rowStep: 1, axis: 1, paired: true, order: Int32Array.from({ length: a }, (_, j) => j * b) }
      : { count: a, rowStep: b, axis: 0, paired: true, order: Int32Array.from({ length: b }, (_, j) => j) };
  }
  const [outputs = 0, channels = 0, ...kernel] = shape;
  const taps = kernel.reduce((n, k) => n * k, 1);
  const order = new Int32Array(channels * taps);
  for (let tap = 0; tap < taps; tap++) for (let c = 0; c < channels; c++) order[tap * channels + c] = c * taps + tap;
  const groups = node.is(Conv) ? node.attr.group : 1;
  const depthwise = channels === 1 && groups === outputs;
  return { count: outputs, rowStep: channels * taps, axis: 0, paired: !depthwise, order };
}
