import { CnnxError } from '../../base/errors.js';
import type { DType } from '../../tensor/dtype.js';
import { bytesOf, elementCount } from '../../tensor/dtype.js';
import { transposeTensor } from '../../tensor/rearrange.js';
import { type Tensor, tensor } from '../../tensor/tensor.js';
import { bigEndian } from './big-endian.js';
import { describeValue, Instance, type PickleValue } from './values.js';

/** Element types by NumPy's codes. */
const TYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['b1', 'bool'],
  ['c16', 'complex128'],
  ['c8', 'complex64'],
  ['f2', 'float16'],
  ['f4', 'float32'],
  ['f8', 'float64'],
  ['i1', 'int8'],
  ['i2', 'int16'],
  ['i4', 'int32'],
  ['i8', 'int64'],
  ['u1', 'uint8'],
  ['u2', 'uint16'],
  ['u4', 'uint32'],
  ['u8', 'uint64'],
]);

/**
 * What `numpy.ndarray.__reduce__` calls; the array itself is in the state: (version, shape, type, whether columns come
 * first, bytes).
 */
export const NDARRAY = 'numpy.core.multiarray._reconstruct';

/**
 * The tensor that a pickled NumPy array is; undefined for anything else, and for arrays of objects. Throws
 * `torch/tensor` for one that does not fit together.
 */
export function numpyTensor(value: PickleValue): Tensor | undefined {
  if (!(value instanceof Instance) || value.type.path !== NDARRAY || !Array.isArray(value.state)) return undefined;
  const [, shape, type, columnsFirst, bytes] = value.state;
  return arrayOf(bytes, type, shape, columnsFirst === true);
}

/** `numpy.core.numeric._frombuffer(bytes, type, shape, order)`: protocol 5. */
export function numpyFromBuffer([bytes, type, shape, order]: readonly PickleValue[]): PickleValue {
  return arrayOf(bytes, type, shape, order === 'F') ?? null;
}

function arrayOf(
  bytes: PickleValue | undefined,
  type: PickleValue | undefined,
  shape: PickleValue | undefined,
  columnsFirst: boolean,
): Tensor | undefined {
  const dtype = typeOf(type);
  if (!dtype || !(bytes instanceof Uint8Array)) return undefined;
  const sizes = Array.isArray(shape) ? shape : [];
  if (!sizes.every((d): d is number => typeof d === 'number' && Number.isSafeInteger(d) && d >= 0))
    throw new CnnxError('torch/tensor', `the shape of a NumPy array is ${describeValue(shape)}`);
  if (bytes.length !== bytesOf(dtype, elementCount(sizes)))
    throw new CnnxError('torch/tensor', `a NumPy array ${dtype}[${sizes.join(',')}] has ${bytes.length} bytes`);
  if (!columnsFirst) return tensor(dtype, sizes, bytes);
  const axes = sizes.map((_, i) => sizes.length - 1 - i);
  return transposeTensor(tensor(dtype, sizes.toReversed(), bytes), axes);
}

/** `numpy.dtype('f4', ...)`, whose state has the order of bytes. */
function typeOf(value: PickleValue | undefined): DType | undefined {
  if (!(value instanceof Instance) || value.type.path !== 'numpy.dtype') return undefined;
  const [code] = value.list;
  const [, order] = Array.isArray(value.state) ? value.state : [];
  const found = typeof code === 'string' ? /^([<>|=]?)(\w\d+)$/.exec(code) : null;
  const dtype = TYPES.get(found?.[2] ?? '');
  if (dtype && (order === '>' || found?.[1] === '>')) throw bigEndian('big');
  return dtype;
}
