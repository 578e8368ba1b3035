import { ByteRange, type ByteSource } from '../../base/bytes.js';
import { rangeTensor, type Tensor } from '../../tensor/tensor.js';
import { scaleFloat32Rows } from './kernel.js';

/** How much is read at once to see whether every number is finite. */
const BLOCK = 1 << 20;

/** float32 rows that lie somewhere, each times a factor. They are multiplied whenever they are read, so that they take no memory. */
class ScaledRows implements ByteSource {
  readonly size: number;

  constructor(
    readonly rows: ByteRange,
    readonly factor: Float64Array,
  ) {
    this.size = rows.size;
  }

  read(at: number, size: number): Uint8Array {
    const out = new Uint8Array(size);
    this.readInto(at, out);
    return out;
  }

  readInto(at: number, out: Uint8Array): void {
    if (at % 4 === 0 && out.byteLength % 4 === 0 && out.byteOffset % 4 === 0) {
      this.#scaleInto(at, out);
      return;
    }
    const start = at - (at % 4);
    const whole = new Uint8Array(Math.ceil((at + out.byteLength - start) / 4) * 4);
    this.#scaleInto(start, whole);
    out.set(whole.subarray(at - start, at - start + out.byteLength));
  }

  /** Gives whether every number is finite. */
  #scaleInto(at: number, out: Uint8Array): boolean {
    this.rows.readInto(at, out);
    const values = new Float32Array(out.buffer, out.byteOffset, out.byteLength / 4);
    return scaleFloat32Rows(values, this.factor, this.size / 4 / this.factor.length, at / 4);
  }

  isFinite(): boolean {
    const memory = new Uint8Array(Math.min(BLOCK, this.size));
    for (let at = 0; at < this.size; at += BLOCK)
      if (!this.#scaleInto(at, memory.subarray(0, this.size - at))) return false;
    return true;
  }
}

/**
 * A stored float32 tensor with each row times a factor, in float64 and rounded once; its numbers are read from where the tensor lies whenever they are
 * asked for. Undefined where the tensor lies nowhere as it is, or a number would not be finite.
 */
export function scaledRows(weight: Tensor, factor: Float64Array, shape: readonly number[]): Tensor | undefined {
  if (!weight.range || weight.range.source instanceof ScaledRows) return undefined;
  const scaled = new ScaledRows(weight.range, factor);
  return scaled.isFinite() ? rangeTensor('float32', shape, new ByteRange(scaled, 0, scaled.size)) : undefined;
}
