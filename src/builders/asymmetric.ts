import type { Value } from '../graph/ir.js';
import type { ConvOptions, Layers, NormOptions } from './layers.js';
import { pair } from './ops.js';

/** Whether a convolution has a middle row and a middle column to strengthen: k x k, k odd and above 1. */
export function isReplaced({ kernel }: Pick<ConvOptions, 'kernel'>): boolean {
  const [h, w] = pair(kernel);
  return h === w && h > 1 && h % 2 === 1;
}

interface Branch {
  readonly kernel: readonly [number, number];
  readonly pad: readonly [number, number];
  /** Rows and columns to take off the input's ends, where the padding does not reach the kernel's middle. */
  readonly crop: readonly [number, number];
}

/** k x 1 and 1 x k companions that see the same middle as a k x k kernel with the same stride, padding and dilation. */
function companions(options: ConvOptions): { readonly vertical: Branch; readonly horizontal: Branch } {
  const [k] = pair(options.kernel);
  const [p, q] = pair(options.pad ?? 0);
  const half = ((k - 1) / 2) * (options.dilation ?? 1);
  const side = (pad: number): readonly [number, number] => [Math.max(0, pad - half), Math.max(0, half - pad)];
  const [columnPad, columnCrop] = side(q);
  const [rowPad, rowCrop] = side(p);
  return {
    vertical: { kernel: [k, 1], pad: [p, columnPad], crop: [0, columnCrop] },
    horizontal: { kernel: [1, k], pad: [rowPad, q], crop: [rowCrop, 0] },
  };
}

function cropped(g: Layers, x: Value, { crop }: Branch, name: string): Value {
  return crop[0] === 0 && crop[1] === 0 ? x : g.crop(x, crop[0], crop[1], name);
}

/** ACNet's block with its authors' names: three convolutions without bias, a BatchNormalization on each, summed. arXiv:1908.03930. */
export function asymmetricBlock(g: Layers, x: Value, options: ConvOptions & NormOptions): Value {
  const { vertical, horizontal } = companions(options);
  const plain = { ...options, bias: false };
  const square = g.batchNorm(g.convolution(x, 'square_conv', plain), 'square_bn', options);
  const ver = g.convolution(cropped(g, x, vertical, 'ver_conv_crop_layer'), 'ver_conv', { ...plain, ...vertical });
  const hor = g.convolution(cropped(g, x, horizontal, 'hor_conv_crop_layer'), 'hor_conv', { ...plain, ...horizontal });
  const vertically = g.batchNorm(ver, 'ver_bn', options);
  return g.add(g.add(square, vertically), g.batchNorm(hor, 'hor_bn', options));
}

/** The article's form: the mean of the k x k, 1 x k and k x 1 convolutions; a BatchNormalization stays behind it. */
export function averagedBlock(g: Layers, x: Value, options: ConvOptions): Value {
  const { vertical, horizontal } = companions(options);
  const square = g.convolution(x, 'conv', options);
  const hor = g.convolution(cropped(g, x, horizontal, 'ac1_crop'), 'ac1', { ...options, ...horizontal });
  const ver = g.convolution(cropped(g, x, vertical, 'ac2_crop'), 'ac2', { ...options, ...vertical });
  return g.divide(g.add(g.add(hor, ver), square), 3);
}
