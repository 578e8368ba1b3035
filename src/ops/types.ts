import type { DType } from '../tensor/dtype.js';

/* Sets of element types that operators take, as ONNX's type constraints name them; each the union over the versions of a signature. */

export const FLOATS: readonly DType[] = ['float16', 'float32', 'float64', 'bfloat16'];
export const SIGNED_INTS: readonly DType[] = ['int8', 'int16', 'int32', 'int64'];
export const UNSIGNED_INTS: readonly DType[] = ['uint8', 'uint16', 'uint32', 'uint64'];
export const INTS: readonly DType[] = [...SIGNED_INTS, ...UNSIGNED_INTS];
export const NUMERIC: readonly DType[] = [...INTS, ...FLOATS];
export const SIGNED: readonly DType[] = [...SIGNED_INTS, ...FLOATS];
export const INDICES: readonly DType[] = ['int32', 'int64'];
export const INT64: readonly DType[] = ['int64'];
export const BOOL: readonly DType[] = ['bool'];
export const FLOAT8: readonly DType[] = [
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'float8e8m0',
];
export const SMALL: readonly DType[] = ['uint4', 'int4', 'float4e2m1', 'uint2', 'int2'];
export const ALL: readonly DType[] = [...NUMERIC, 'bool', 'string', 'complex64', 'complex128', ...FLOAT8, ...SMALL];
