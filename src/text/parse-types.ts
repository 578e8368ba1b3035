import { LIMITS } from '../base/limits.js';
import { printable } from '../base/text.js';
import { bytesOf, type DType, elementCount } from '../tensor/dtype.js';
import { seededTensor } from '../tensor/seeded.js';
import { stringTensor, type Tensor, tensor } from '../tensor/tensor.js';
import type { SparseTensor } from '../graph/attr.js';
import { isDType, isInteger, NUMBER_FORMATS, stringBytes } from './literals.js';
import type { Scanner } from './scanner.js';
import type { Dim, TensorType, ValueType } from '../graph/types.js';

/** The type of a tensor with data. */
interface StaticType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Reads the types and tensors of the text form. */
export class TypeParser {
  constructor(
    private readonly scan: Scanner,
    private readonly seed: number,
  ) {}

  /** Undefined for `?`. */
  type(depth = 0): ValueType | undefined {
    const { scan } = this;
    if (depth > LIMITS.graphDepth) scan.fail(`types are nested more than ${LIMITS.graphDepth} deep`);
    if (scan.take('?')) return undefined;
    const word = scan.name('a type');
    const inner = (): ValueType | undefined => {
      const type = this.type(depth + 1);
      scan.expect(')');
      return type;
    };
    switch (word) {
      case 'opaque':
        return { kind: 'opaque' };
      case 'seq':
        scan.expect('(');
        return { kind: 'sequence', elem: inner() };
      case 'optional':
        scan.expect('(');
        return { kind: 'optional', elem: inner() };
      case 'map': {
        scan.expect('(');
        const key = this.dtype(scan.name('a type'));
        scan.expect(',');
        return { kind: 'map', key, value: inner() };
      }
      case 'sparse':
        return this.tensorType('sparse_tensor', scan.name('a type'));
      default:
        return this.tensorType('tensor', word);
    }
  }

  private tensorType(kind: TensorType['kind'], word: string): TensorType {
    const dtype = this.dtype(word);
    return this.scan.sees('[') ? { kind, dtype, shape: this.scan.list('[', ']', () => this.dim()) } : { kind, dtype };
  }

  private dtype(word: string): DType {
    return isDType(word) ? word : this.scan.failThere(`${printable(word)} is no element type`);
  }

  private dim(): Dim {
    const { scan } = this;
    if (scan.take('?')) return undefined;
    if (scan.sees('"')) return scan.name('a dimension');
    const word = scan.name('a dimension');
    return isInteger(word) ? Number(word) : word;
  }

  static(type: ValueType | undefined): StaticType {
    const { scan } = this;
    if (type?.kind !== 'tensor' || !type.shape) return scan.failThere('data needs a tensor type with its shape');
    const shape = type.shape.map((d) => (typeof d === 'number' && d >= 0 ? d : scan.failThere('data needs sizes')));
    if (elementCount(shape) > LIMITS.tensorElements)
      scan.failThere(`a tensor has at most ${LIMITS.tensorElements} elements`);
    return { dtype: type.dtype, shape };
  }

  seeded(of: StaticType, name: string): Tensor {
    return seededTensor(of.dtype, of.shape, name, this.seed);
  }

  seesData(): boolean {
    const { scan } = this;
    return ['[', '{', '...', '0x'].some((sign) => scan.sees(sign));
  }

  /** `[1,2]`, `0x0102` for types that are not written as numbers, or `...` to fill it from the seed. */
  data(of: StaticType, name: string): Tensor {
    const { scan } = this;
    const { dtype, shape } = of;
    if (scan.take('...')) return this.seeded(of, name);
    const raw = scan.hexBytes();
    if (raw) {
      const expected = bytesOf(dtype, elementCount(shape));
      if (raw.byteLength !== expected) scan.failThere(`${expected} bytes were expected; found ${raw.byteLength}`);
      return tensor(dtype, shape, raw);
    }
    if (dtype === 'string') {
      const strings = scan.list('[', ']', () => stringBytes(scan.string() ?? scan.fail('a string was expected')));
      this.count(strings.length, shape);
      return stringTensor(shape, strings);
    }
    const format = NUMBER_FORMATS[dtype];
    if (!format) return scan.fail(`the bytes of ${dtype} in hexadecimal (0x...) were expected`);
    const probe = new DataView(new ArrayBuffer(format.size));
    const numbers = scan.list('[', ']', () => {
      const text = scan.number();
      return format.write(probe, 0, text) ? text : scan.failThere(`${printable(text)} is no ${dtype}`);
    });
    this.count(numbers.length, shape);
    const view = new DataView(new ArrayBuffer(numbers.length * format.size));
    numbers.forEach((n, i) => format.write(view, i * format.size, n));
    return tensor(dtype, shape, new Uint8Array(view.buffer));
  }

  private count(found: number, shape: readonly number[]): void {
    const expected = elementCount(shape);
    if (found !== expected) this.scan.failThere(`[${shape.join(',')}] has ${expected} elements; found ${found}`);
  }

  tensor(name: string): Tensor {
    const of = this.static(this.type());
    return this.scan.take('=') ? this.data(of, name) : this.seeded(of, name);
  }

  sparseOf(): SparseTensor {
    const type = this.type();
    return type?.kind === 'sparse_tensor' ? this.sparse(type) : this.scan.failThere('a sparse type was expected');
  }

  sparse(type: TensorType): SparseTensor {
    const { scan } = this;
    const { shape: dims } = this.static({ ...type, kind: 'tensor' });
    scan.take('=');
    scan.expect('{');
    const name = scan.sees('"') ? scan.nameOrNothing() : undefined;
    const values = this.tensor('values');
    scan.expect(',');
    const indices = this.tensor('indices');
    scan.expect('}');
    return { values, indices, dims, ...(name !== undefined && { name }) };
  }
}
