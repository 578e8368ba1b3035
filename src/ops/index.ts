import type { AnyOpDef } from '../graph/op-def.js';
import { OpRegistry } from '../graph/op-registry.js';
import { Clip, Clip6, Relu, Sigmoid, Softmax, Softmax1 } from './activation.js';
import { Constant } from './constants.js';
import { Cast, Dropout, Dropout10, Dropout7, Identity } from './conversion.js';
import { Conv, ConvTranspose } from './convolution.js';
import { Add, Div, Mean, Mul, Neg, Sub, Sum } from './elementwise.js';
import { Concat, Gather, Transpose } from './layout.js';
import { Gemm, MatMul } from './linear.js';
import { BatchNormalization, BatchNormalization7 } from './normalization.js';
import { AveragePool, GlobalAveragePool, GlobalLpPool, GlobalMaxPool, LpPool, MaxPool } from './pooling.js';
import { ReduceMean, ReduceMean1 } from './reduction.js';
import { Flatten, Reshape, ShapeOp, Squeeze, Squeeze1, Unsqueeze, Unsqueeze1 } from './shape.js';
import { Pad, Pad2, Slice, Slice1, Split, Split13, Split2 } from './slicing.js';

export * from './accessors.js';
export * from './activation.js';
export * from './constants.js';
export * from './conversion.js';
export * from './convolution.js';
export * from './elementwise.js';
export * from './layout.js';
export * from './linear.js';
export * from './normalization.js';
export * from './pooling.js';
export * from './reduction.js';
export * from './shape.js';
export * from './slicing.js';

/** Every declared signature, sorted by name, the newest of a name first. */
export const OPS: readonly AnyOpDef[] = [
  Add,
  AveragePool,
  BatchNormalization,
  BatchNormalization7,
  Cast,
  Clip,
  Clip6,
  Concat,
  Constant,
  Conv,
  ConvTranspose,
  Div,
  Dropout,
  Dropout10,
  Dropout7,
  Flatten,
  Gather,
  Gemm,
  GlobalAveragePool,
  GlobalLpPool,
  GlobalMaxPool,
  Identity,
  LpPool,
  MatMul,
  MaxPool,
  Mean,
  Mul,
  Neg,
  Pad,
  Pad2,
  ReduceMean,
  ReduceMean1,
  Relu,
  Reshape,
  ShapeOp,
  Sigmoid,
  Slice,
  Slice1,
  Softmax,
  Softmax1,
  Split,
  Split13,
  Split2,
  Squeeze,
  Squeeze1,
  Sub,
  Sum,
  Transpose,
  Unsqueeze,
  Unsqueeze1,
];

export const registry = new OpRegistry(OPS);
