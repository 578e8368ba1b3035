import type { DType } from '../../tensor/dtype.js';
import type { StorageType } from './storage.js';

/** Storage classes, with the type of their elements. */
export const STORAGE_TYPES: ReadonlyMap<string, StorageType> = new Map<string, StorageType>([
  ['torch.BFloat16Storage', 'bfloat16'],
  ['torch.BoolStorage', 'bool'],
  ['torch.ByteStorage', 'uint8'],
  ['torch.CharStorage', 'int8'],
  ['torch.ComplexDoubleStorage', 'complex128'],
  ['torch.ComplexFloatStorage', 'complex64'],
  ['torch.DoubleStorage', 'float64'],
  ['torch.FloatStorage', 'float32'],
  ['torch.HalfStorage', 'float16'],
  ['torch.IntStorage', 'int32'],
  ['torch.LongStorage', 'int64'],
  ['torch.ShortStorage', 'int16'],
  ['torch.UntypedStorage', 'untyped'],
  ['torch.storage.UntypedStorage', 'untyped'],
]);

/** `torch.float32` and the like, as tensors of untyped storages name them. */
export const TORCH_DTYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['torch.bfloat16', 'bfloat16'],
  ['torch.bool', 'bool'],
  ['torch.complex128', 'complex128'],
  ['torch.complex64', 'complex64'],
  ['torch.float16', 'float16'],
  ['torch.float32', 'float32'],
  ['torch.float64', 'float64'],
  ['torch.float8_e4m3fn', 'float8e4m3fn'],
  ['torch.float8_e4m3fnuz', 'float8e4m3fnuz'],
  ['torch.float8_e5m2', 'float8e5m2'],
  ['torch.float8_e5m2fnuz', 'float8e5m2fnuz'],
  ['torch.int16', 'int16'],
  ['torch.int32', 'int32'],
  ['torch.int64', 'int64'],
  ['torch.int8', 'int8'],
  ['torch.uint16', 'uint16'],
  ['torch.uint32', 'uint32'],
  ['torch.uint64', 'uint64'],
  ['torch.uint8', 'uint8'],
]);
