import type { Dim, Shape } from '../graph/types.js';
import { shapeError, shapeText, sizeText } from './tensors.js';

/* Shape rules that several operators share. */

export type AutoPad = 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID';

/** A window that slides over D spatial axes; lists left out have their defaults (strides 1, dilations 1, pads 0). */
export interface Window {
  readonly kernel: readonly Dim[];
  readonly strides?: readonly number[] | undefined;
  readonly dilations?: readonly number[] | undefined;
  /** All begins, then all ends. */
  readonly pads?: readonly number[] | undefined;
  readonly autoPad: AutoPad;
  /** Count a last window that hangs over the end. */
  readonly ceil?: boolean | undefined;
}

/** Throws `graph/shape` unless the lists of a window have one entry for each spatial axis (pads two). */
function checkLengths(rank: number, window: Window): void {
  const check = (name: string, list: readonly unknown[] | undefined, length: number): void => {
    if (list && list.length !== length)
      throw shapeError(
        `${name} has ${list.length} entries; ${length} are needed for ${rank} spatial ${rank === 1 ? 'axis' : 'axes'}`,
      );
  };
  check('kernel_shape', window.kernel, rank);
  check('strides', window.strides, rank);
  check('dilations', window.dilations, rank);
  check('pads', window.pads, 2 * rank);
  for (const s of window.strides ?? []) if (s < 1) throw shapeError(`a stride of ${s}; at least 1 is needed`);
  for (const d of window.dilations ?? []) if (d < 1) throw shapeError(`a dilation of ${d}; at least 1 is needed`);
}

/** The extent of a dilated kernel: dilation * (taps - 1) + 1. */
export const reach = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/** The spatial sizes that a window sliding over `input` gives. Throws `graph/shape` when it does not fit. */
export function windowOutput(input: Shape, window: Window): Dim[] {
  checkLengths(input.length, window);
  return input.map((size, i) => {
    const kernel = window.kernel[i];
    const stride = window.strides?.[i] ?? 1;
    if (window.autoPad === 'SAME_UPPER' || window.autoPad === 'SAME_LOWER') {
      if (stride === 1) return size;
      return typeof size === 'number' ? Math.ceil(size / stride) : undefined;
    }
    if (typeof kernel !== 'number') return undefined;
    const begin = window.autoPad === 'VALID' ? 0 : (window.pads?.[i] ?? 0);
    const end = window.autoPad === 'VALID' ? 0 : (window.pads?.[input.length + i] ?? 0);
    const taken = reach(kernel, window.dilations?.[i] ?? 1);
    if (typeof size !== 'number') return stride === 1 && begin + end === taken - 1 ? size : undefined;
    const room = size + begin + end - taken;
    if (room < 0) throw doesNotFit(input, window);
    if (!window.ceil) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    // A window that would start in the padding behind the input is not counted.
    return (count - 1) * stride >= size + begin ? count - 1 : count;
  });
}

function doesNotFit(input: Shape, window: Window): Error {
  const rank = input.length;
  const reaches = window.kernel.map((k, i) => (typeof k === 'number' ? reach(k, window.dilations?.[i] ?? 1) : k));
  const dilated = reaches.some((r, i) => r !== window.kernel[i]);
  const pads = window.autoPad === 'VALID' ? undefined : window.pads;
  const padded = input.map((d, i) => (typeof d === 'number' ? d + (pads?.[i] ?? 0) + (pads?.[rank + i] ?? 0) : d));
  const isPadded = padded.some((d, i) => d !== input[i]);
  return shapeError(
    `the window of ${sizeText(reaches)}${dilated ? ` (${sizeText(window.kernel)} dilated by ${sizeText(window.dilations ?? [])})` : ''}` +
      ` does not fit the input of ${sizeText(input)}${isPadded ? ` padded to ${sizeText(padded)}` : ''}`,
    `an input of at least ${sizeText(reaches.map((r, i) => (typeof r === 'number' ? Math.max(1, r - (pads?.[i] ?? 0) - (pads?.[rank + i] ?? 0)) : r)))}, or a smaller window`,
  );
}

/** Settings of a transposed convolution beside its window. */
export interface Transposed extends Window {
  readonly outputPadding?: readonly number[] | undefined;
  readonly outputShape?: readonly number[] | undefined;
}

/** The spatial sizes that a transposed convolution gives. Throws `graph/shape` when nothing would be left. */
export function transposedOutput(input: Shape, window: Transposed): Dim[] {
  checkLengths(input.length, window);
  if (window.outputShape) return window.outputShape.slice(-input.length);
  return input.map((size, i) => {
    const kernel = window.kernel[i];
    const stride = window.strides?.[i] ?? 1;
    if (window.autoPad === 'SAME_UPPER' || window.autoPad === 'SAME_LOWER') {
      if (stride === 1) return size;
      // Where the kernel does not reach to the next stride, ONNX says size * stride, and onnxruntime computes less.
      const covers = typeof kernel === 'number' && reach(kernel, window.dilations?.[i] ?? 1) >= stride;
      return typeof size === 'number' && covers ? size * stride : undefined;
    }
    if (typeof kernel !== 'number') return undefined;
    const pads = window.autoPad === 'VALID' ? 0 : (window.pads?.[i] ?? 0) + (window.pads?.[input.length + i] ?? 0);
    const extra = reach(kernel, window.dilations?.[i] ?? 1) + (window.outputPadding?.[i] ?? 0) - pads;
    if (typeof size !== 'number') return stride === 1 && extra === 1 ? size : undefined;
    const out = stride * (size - 1) + extra;
    if (out >= 1) return out;
    throw shapeError(
      `pads of ${pads} on spatial axis ${i} leave ${out} of the ${out + pads} that a size of ${size} and a kernel of ${kernel} give`,
      'smaller pads',
    );
  });
}

/** The broadcast of several shapes under numpy's rule; undefined when one is not known. Throws `graph/shape`. */
export function broadcast(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  let out: Shape | undefined;
  for (const shape of shapes) {
    if (!shape) return undefined;
    out = out ? broadcastTwo(out, shape) : shape;
  }
  return out;
}

function broadcastTwo(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const d = i < rank - a.length ? 1 : a[i - rank + a.length];
    const e = i < rank - b.length ? 1 : b[i - rank + b.length];
    if (d === e || e === 1) return d;
    if (d === 1) return e;
    if (typeof d === 'number' && typeof e === 'number')
      throw shapeError(
        `${shapeText(a)} and ${shapeText(b)} do not broadcast: axis ${i - rank} has ${d} and ${e}`,
        'sizes that are equal, or 1',
      );
    // A size other than 1 wins over a name or an unknown size, which must be equal to it or 1.
    if (typeof d === 'number') return d;
    return typeof e === 'number' ? e : undefined;
  });
}
