import type { DType } from '../tensor/dtype.js';

/** The element types of the tensors that onnxruntime's JavaScript bindings take and give. */
const SESSION_TYPES: ReadonlySet<DType> = new Set<DType>([
  'bool',
  'float16',
  'float32',
  'float64',
  'int16',
  'int32',
  'int64',
  'int8',
  'string',
  'uint16',
  'uint32',
  'uint64',
  'uint8',
]);

/** Whether tensors of this type can go to a session and back. */
export const isSessionType = (dtype: DType): boolean => SESSION_TYPES.has(dtype);
