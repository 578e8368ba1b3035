/** Element types by their ONNX names, lower case, with the size of one element in bits. */
export const DTYPE_BITS = {
  undefined: 0,
  float32: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  string: 0,
  bool: 8,
  float16: 16,
  float64: 64,
  uint32: 32,
  uint64: 64,
  complex64: 64,
  complex128: 128,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  uint4: 4,
  int4: 4,
  float4e2m1: 4,
  float8e8m0: 8,
  uint2: 2,
  int2: 2,
} as const;

/** The element types of ONNX, by their usual names. */
export type DType = keyof typeof DTYPE_BITS;

/** In the order of ONNX's TensorProto.DataType, so that the index is the code (0 to 26). */
export const DTYPES = Object.freeze(Object.keys(DTYPE_BITS)) as readonly DType[];

/** ONNX TensorProto.DataType code of an element type. */
export const dtypeCode = (dtype: DType): number => DTYPES.indexOf(dtype);

/** The element type of an ONNX code; 'undefined' for codes that no version up to IR 14 defines. */
export const dtypeOfCode = (code: number): DType => DTYPES[code] ?? 'undefined';

/** Bytes that `count` elements take; types under a byte are packed, the last byte padded. */
export const bytesOf = (dtype: DType, count: number): number => Math.ceil((count * DTYPE_BITS[dtype]) / 8);

/** The product of the sizes; 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
