import type { DType } from '../tensor/dtype.js';

/* Sets of element types that operators take, as ONNX's type constraints name them; each the union over the versions of a signature. */

/** Before bfloat16 was added (opset 13, and later for some operators). */
export const FLOATS_BEFORE_BFLOAT: readonly DType[] = ['float16', 'float32', 'float64'];
export const FLOATS: readonly DType[] = [...FLOATS_BEFORE_BFLOAT, 'bfloat16'];
export const SIGNED_INTS: readonly DType[] = ['int8', 'int16', 'int32', 'int64'];
export const INTS: readonly DType[] = [...SIGNED_INTS, 'uint8', 'uint16', 'uint32', 'uint64'];
export const SIGNED: readonly DType[] = [...SIGNED_INTS, ...FLOATS];
export const BEFORE_BFLOAT: readonly DType[] = [...INTS, ...FLOATS_BEFORE_BFLOAT];
export const NUMERIC: readonly DType[] = [...INTS, ...FLOATS];
/** Types of reductions and matrix products: no 8- and 16-bit integers. */
export const WIDE_BEFORE_BFLOAT: readonly DType[] = [...FLOATS_BEFORE_BFLOAT, 'int32', 'int64', 'uint32', 'uint64'];
export const WIDE: readonly DType[] = [...WIDE_BEFORE_BFLOAT, 'bfloat16'];
export const INDICES: readonly DType[] = ['int32', 'int64'];
export const INT64: readonly DType[] = ['int64'];
export const BOOL: readonly DType[] = ['bool'];
export const FLOAT8: readonly DType[] = ['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz'];
/** Every type of whole bytes except the 8-bit floats. */
export const CLASSIC_BEFORE_BFLOAT: readonly DType[] = [...BEFORE_BFLOAT, 'bool', 'string', 'complex64', 'complex128'];
export const CLASSIC: readonly DType[] = [...CLASSIC_BEFORE_BFLOAT, 'bfloat16'];
const PACKED: readonly DType[] = ['uint4', 'int4', 'float4e2m1', 'uint2', 'int2'];
/** Output types of QuantizeLinear. */
export const QUANTIZED: readonly DType[] = ['int8', 'uint8', 'int16', 'uint16', ...FLOAT8, ...PACKED];
export const CASTABLE: readonly DType[] = [...NUMERIC, 'bool', 'string', ...FLOAT8, 'float8e8m0', ...PACKED];
export const ALL: readonly DType[] = [...CASTABLE, 'complex64', 'complex128'];
/** For sequences and optional values, which are no tensors. */
export const NO_TENSOR: readonly DType[] = [];
