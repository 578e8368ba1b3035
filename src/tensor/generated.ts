import { ByteRange, type ByteSource } from '../base/bytes.js';
import { elementCount } from './dtype.js';
import { rangeTensor, type Tensor } from './tensor.js';

/** Writes numbers `from`, `from` + 1, ... into `out`. */
export type GenerateNumbers = (out: Float32Array, from: number) => void;

/** float32 numbers that are made whenever they are read, in the reader's own memory where it is aligned. */
class MadeNumbers implements ByteSource {
  readonly size: number;

  constructor(
    count: number,
    readonly make: GenerateNumbers,
  ) {
    this.size = 4 * count;
  }

  read(at: number, size: number): Uint8Array {
    const start = Math.floor(at / 4);
    const out = new Float32Array(Math.ceil((at + size) / 4) - start);
    this.make(out, start);
    return new Uint8Array(out.buffer, at - 4 * start, size);
  }

  readInto(at: number, out: Uint8Array): void {
    if (at % 4 === 0 && out.byteLength % 4 === 0 && out.byteOffset % 4 === 0)
      this.make(new Float32Array(out.buffer, out.byteOffset, out.byteLength / 4), at / 4);
    else out.set(this.read(at, out.byteLength));
  }
}

/** A float32 tensor whose numbers are made when they are asked for: a part of them without the rest, and nothing kept. */
export function generatedTensor(shape: readonly number[], make: GenerateNumbers): Tensor {
  const source = new MadeNumbers(elementCount(shape), make);
  return rangeTensor('float32', shape, new ByteRange(source, 0, source.size));
}
