import { ByteRange, type Chunk, chunkBytes, chunkSize } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { LIMITS, type Limits } from '../../base/limits.js';
import { printable } from '../../base/text.js';
import { bytesOf, type DType, DTYPE_BITS, DTYPES, dtypeCode } from '../../tensor/dtype.js';
import { type Tensor, tensorChunk } from '../../tensor/tensor.js';
import {
  type ExternalData,
  externalFields,
  type ExternalPlace,
  externalPlace,
  isExternal,
  openExternal,
} from './external.js';
import { type Message, message, withFields } from './message.js';
import { Packed } from './packed.js';

/** Polygraphy strips weights for upload and marks the tensors with this; such models are complete but for the data. */
const WEIGHTLESS = 'TRT_WEIGHTLESS';

/** The fields that data can stand in. */
const DATA_FIELDS = [
  'raw_data',
  'float_data',
  'int32_data',
  'string_data',
  'int64_data',
  'double_data',
  'uint64_data',
] as const;

const misfit = (m: Message<'TensorProto'>, found: string): CnnxError =>
  new CnnxError('onnx/tensor', `tensor ${printable(m.fields.name ?? '') || '(unnamed)'}: ${found}`, {
    at: { byte: m.span?.at, value: m.fields.name },
  });

/** A tensor of an ONNX file. Its data stays where it is, in whichever of ONNX's forms, until it is asked for. */
export class OnnxTensor implements Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Where the data stands, if in another file. */
  readonly place: ExternalPlace | undefined;
  readonly strings?: () => readonly Uint8Array[];

  /**
   * Throws `onnx/tensor` and `onnx/external-data` when type, dimensions and data cannot belong together. Reads no data.
   */
  constructor(
    readonly message: Message<'TensorProto'>,
    limits: Limits = LIMITS,
    readonly external?: ExternalData | undefined,
  ) {
    const code = message.fields.data_type ?? 0;
    const dtype = DTYPES[code];
    if (!dtype || code === 0) throw misfit(message, `data type ${code}; 1 to ${DTYPES.length - 1} are defined`);
    this.dtype = dtype;
    this.shape = dims(message, limits);
    const count = this.shape.reduce((n, d) => n * d, 1);
    if (count > limits.tensorElements)
      throw misfit(message, `[${this.shape.join(',')}] has ${count} elements; the limit is ${limits.tensorElements}`);
    if (dtype === 'string') {
      const strings = message.fields.string_data ?? [];
      if (strings.length !== count && !this.isAbsent)
        throw misfit(message, `${count} strings were expected; there are ${strings.length}`);
      this.byteLength = strings.reduce((n, s) => n + chunkSize(s), 0);
      this.strings = () => strings.map(chunkBytes);
    } else {
      this.byteLength = bytesOf(dtype, count);
      if (isExternal(message)) this.place = this.#checkPlace();
      else if (!this.isAbsent) this.#checkData(count);
    }
  }

  /** Whether the data is neither here nor in another file: stripped weights, or a segment of a larger tensor. */
  get isAbsent(): boolean {
    const { doc_string, raw_data, segment } = this.message.fields;
    if (segment) return true;
    return (doc_string?.startsWith(WEIGHTLESS) ?? false) && (!raw_data || chunkSize(raw_data) === 0) && !this.#typed();
  }

  bytes(): Uint8Array {
    return chunkBytes(this.data());
  }

  get range(): ByteRange | undefined {
    const data = this.data();
    return data instanceof ByteRange ? data : undefined;
  }

  /** The data as it stands in a file, where it does so in one piece; as bytes in memory otherwise. */
  data(): Chunk {
    if (this.dtype === 'string') throw new CnnxError('tensor/dtype', 'a numeric tensor was expected; found strings');
    if (this.message.fields.segment)
      throw new CnnxError('onnx/unsupported', `tensor ${this.#shown} is a segment of a larger one`);
    if (this.isAbsent) {
      throw new CnnxError('onnx/tensor', `the weights of tensor ${this.#shown} were stripped from the model`, {
        hint: 'put the weights back before working with their values',
      });
    }
    this.checkOneForm();
    const { raw_data } = this.message.fields;
    const { place } = this;
    if (place) return this.#named(() => openExternal(place, this.byteLength, this.external));
    if (raw_data) return raw_data;
    const typed = this.#typed();
    return typed ? typed.bytes(elementWidth(this.dtype)) : new Uint8Array(0);
  }

  /**
   * Throws `onnx/tensor` when there is data in two fields: which of them counts, nobody says (onnx.proto: one of them
   * is used).
   */
  checkOneForm(): void {
    const { fields } = this.message;
    const filled = DATA_FIELDS.filter((name) => {
      const data = fields[name];
      if (!data) return false;
      return (data instanceof Packed ? data.count : Array.isArray(data) ? data.length : chunkSize(data as Chunk)) > 0;
    });
    if (filled.length > 1) throw misfit(this.message, `data in ${filled.join(' and in ')}; one of them was expected`);
  }

  get #shown(): string {
    return printable(this.message.fields.name ?? '') || '(unnamed)';
  }

  #named<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof CnnxError ? error.within({ value: this.message.fields.name }) : error;
    }
  }

  #checkPlace(): ExternalPlace {
    const place = this.#named(() => externalPlace(this.message));
    if (place.length !== undefined && place.length !== this.byteLength) {
      throw misfit(
        this.message,
        `${this.dtype}[${this.shape.join(',')}] takes ${this.byteLength} bytes; its external data is said to have ${place.length}`,
      );
    }
    return place;
  }

  #checkData(count: number): void {
    const { raw_data } = this.message.fields;
    const type = `${this.dtype}[${this.shape.join(',')}]`;
    if (raw_data && (chunkSize(raw_data) > 0 || !this.#typed())) {
      const found = chunkSize(raw_data);
      if (found !== this.byteLength)
        throw misfit(this.message, `${type} takes ${this.byteLength} bytes; raw_data has ${found}`);
      return;
    }
    const found = this.#typed()?.count ?? 0;
    const expected = this.byteLength === 0 ? 0 : storedNumbers(this.dtype, count);
    if (found !== expected)
      throw misfit(this.message, `${type} takes ${expected} numbers in ${storage(this.dtype)}; there are ${found}`);
  }

  #typed(): Packed | undefined {
    return this.message.fields[storage(this.dtype)];
  }
}

function dims(m: Message<'TensorProto'>, limits: Limits): number[] {
  const packed = m.fields.dims;
  if (!packed) return [];
  if (packed.count > limits.tensorRank)
    throw misfit(m, `${packed.count} dimensions; the limit is ${limits.tensorRank}`);
  return Array.from(packed.int64s(), (d) => {
    if (d < 0n) throw misfit(m, `a dimension of ${d}`);
    return Number(d);
  });
}

/** The field that holds a type's elements when raw_data does not (onnx.proto, TensorProto). */
function storage(dtype: DType): 'float_data' | 'double_data' | 'int64_data' | 'uint64_data' | 'int32_data' {
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return 'float_data';
    case 'float64':
    case 'complex128':
      return 'double_data';
    case 'int64':
      return 'int64_data';
    case 'uint32':
    case 'uint64':
      return 'uint64_data';
    default:
      return 'int32_data';
  }
}

/** How many numbers the typed field has: complex elements are two, elements under a byte share the low byte of one. */
function storedNumbers(dtype: DType, count: number): number {
  if (dtype === 'complex64' || dtype === 'complex128') return 2 * count;
  return DTYPE_BITS[dtype] < 8 ? bytesOf(dtype, count) : count;
}

/** Bytes of one stored number that belong to the element. */
function elementWidth(dtype: DType): 1 | 2 | 4 | 8 {
  const bits = DTYPE_BITS[dtype];
  if (dtype === 'complex64') return 4;
  if (bits >= 64) return 8;
  return bits === 32 ? 4 : bits === 16 ? 2 : 1;
}

/** The message of a tensor, under a name; `undefined` leaves the name that it has. */
export function tensorMessage(t: Tensor, name?: string): Message<'TensorProto'> {
  if (t instanceof OnnxTensor) {
    const own = t.message.fields.name;
    return name === undefined || name === (own ?? '') ? t.message : withFields(t.message, { name });
  }
  return message('TensorProto', {
    dims: Packed.ofInt64(t.shape.map(BigInt)),
    data_type: dtypeCode(t.dtype),
    name,
    ...(t.strings ? { string_data: t.strings() } : { raw_data: tensorChunk(t) }),
  });
}

const NO_DATA = Object.fromEntries(DATA_FIELDS.map((name) => [name, undefined]));

/** The same tensor with its data in a side file. */
export function externalized(t: Tensor, file: string, offset: number): Tensor {
  const fields = { ...NO_DATA, ...externalFields(file, offset, t.byteLength) };
  return new OnnxTensor(withFields(tensorMessage(t), fields));
}

/**
 * The same tensor with its data in the model. Throws `onnx/external-data` when it is in a file that is not to be had.
 */
export function internalized(t: Tensor): Tensor {
  if (!(t instanceof OnnxTensor) || !t.place) return t;
  return new OnnxTensor(
    withFields(t.message, { raw_data: t.data(), data_location: undefined, external_data: undefined }),
  );
}
