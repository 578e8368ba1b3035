import { DTYPE_BITS, elementCount } from './dtype.js';
import { CnnxError } from '../base/errors.js';
import { stringTensor, type Tensor, tensor } from './tensor.js';

/** The entries of one axis that `rows` lists, in that order; a row may be listed again. Throws `tensor/dtype` for types under a byte. */
export function takeRows(t: Tensor, axis: number, rows: readonly number[]): Tensor {
  const size = t.shape[axis] ?? 1;
  const shape = t.shape.with(axis, rows.length);
  const outer = elementCount(t.shape.slice(0, axis));
  const inner = elementCount(t.shape.slice(axis + 1));
  const strings = t.strings?.();
  if (strings) {
    const out: Uint8Array[] = [];
    for (let o = 0; o < outer; o++)
      for (const row of rows) out.push(...strings.slice((o * size + row) * inner, (o * size + row + 1) * inner));
    return stringTensor(shape, out);
  }
  const step = inner * widthOf(t);
  const bytes = t.bytes();
  const out = new Uint8Array(outer * rows.length * step);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const row of rows) {
      const from = (o * size + row) * step;
      out.set(bytes.subarray(from, from + step), to);
      to += step;
    }
  }
  return tensor(t.dtype, shape, out);
}

/** Tensors of equal shapes but for one axis, joined along it. Throws `tensor/dtype` for types under a byte. */
export function stackRows(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (!first) throw new Error('bug: nothing to join');
  const shape = first.shape.with(
    axis,
    parts.reduce((n, p) => n + (p.shape[axis] ?? 1), 0),
  );
  const outer = elementCount(shape.slice(0, axis));
  const inner = elementCount(shape.slice(axis + 1));
  if (first.strings) {
    const out: Uint8Array[] = [];
    for (let o = 0; o < outer; o++)
      for (const p of parts) {
        const step = inner * (p.shape[axis] ?? 1);
        out.push(...(p.strings?.() ?? []).slice(o * step, (o + 1) * step));
      }
    return stringTensor(shape, out);
  }
  const out = new Uint8Array(elementCount(shape) * widthOf(first));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const p of parts) {
      const step = inner * (p.shape[axis] ?? 1) * widthOf(first);
      out.set(p.bytes().subarray(o * step, (o + 1) * step), to);
      to += step;
    }
  }
  return tensor(first.dtype, shape, out);
}

/** Bytes of one element. */
function widthOf({ dtype }: Tensor): number {
  const bits = DTYPE_BITS[dtype];
  if (bits % 8 === 0 && bits > 0) return bits / 8;
  throw new CnnxError('tensor/dtype', `rows of ${dtype}, whose elements are no whole bytes`);
}
