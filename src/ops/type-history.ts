import type { AnyOpDef } from '../graph/op-def.js';
import type { DType } from '../tensor/dtype.js';
import { CLASSIC_BEFORE_BFLOAT, FLOAT8, INTS } from './types.js';

/*
 * When element types came to an operator. The `types` of a declaration are the union over its versions; here stands which version added, or
 * removed, which of them. Source: the type constraints in ONNX's docs/Changelog.md; test/ops/schemas.test.ts compares every version.
 */

interface TypeChange {
  readonly version: number;
  readonly types: readonly DType[];
  /** Type variables of the declarations. */
  readonly variables: string;
  /** Names of operators. */
  readonly ops: string;
}

const change = (version: number, types: readonly DType[], variables: string, ops: string): TypeChange => ({
  version,
  types,
  variables,
  ops,
});

const BFLOAT: readonly DType[] = ['bfloat16'];
const INT4: readonly DType[] = ['uint4', 'int4'];
const INT2: readonly DType[] = ['uint2', 'int2'];
const FLOAT4: readonly DType[] = ['float4e2m1'];
const E8M0: readonly DType[] = ['float8e8m0'];
const SMALL_INTS: readonly DType[] = ['int8', 'int16', 'uint8', 'uint16'];
const WIDE_INTS: readonly DType[] = ['int32', 'int64', 'uint32', 'uint64'];
const NOT_FLOATS: readonly DType[] = CLASSIC_BEFORE_BFLOAT.filter((t) => !t.startsWith('float'));

const ADDED: readonly TypeChange[] = [
  change(9, ['string'], 'T U', 'Cast'),
  change(9, NOT_FLOATS, 'T', 'Constant Flatten'),
  change(9, WIDE_INTS, 'T', 'Gemm MatMul PRelu'),
  change(9, INTS, 'T', 'Greater Less'),
  change(11, ['float16', 'float32', 'float64', 'uint32', 'uint64', ...SMALL_INTS], 'T', 'Equal'),
  change(11, INTS, 'T', 'TopK'),
  change(12, INTS, 'T', 'Clip Max Min'),
  change(12, INTS, 'U', 'Pow'),
  change(12, ['int8', 'uint8'], 'T', 'MaxPool ReduceMax ReduceMin'),
  change(12, ['int32', 'int64'], 'T', 'Pow'),
  change(
    13,
    BFLOAT,
    'T',
    'Abs Add ArgMax ArgMin Ceil Clip Concat Constant DepthToSpace Div Dropout Equal Erf Exp Expand Flatten ' +
      'Floor Gather GatherElements GatherND Gemm Greater Identity IsNaN Less Log LRN MatMul Max Mean ' +
      'MeanVarianceNormalization Min Mod Mul Neg NonZero Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSum ' +
      'ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare Relu Reshape Resize ' +
      'ScatterElements ScatterND Shape Sigmoid Sign Size Slice SpaceToDepth Sqrt Sub Sum Tanh Tile Transpose',
  ),
  change(13, BFLOAT, 'T U', 'Cast'),
  change(13, ['bool', 'complex128', 'complex64', 'string', ...BFLOAT], 'T', 'Pad'),
  change(14, SMALL_INTS, 'T', 'Add Div Mul Sub'),
  change(14, ['float16', ...BFLOAT], 'T', 'CumSum'),
  change(14, ['int16', 'int32', 'int64', 'int8'], 'T', 'Relu'),
  change(15, BFLOAT, 'U', 'Pow'),
  change(16, BFLOAT, 'T', 'GreaterOrEqual LeakyRelu LessOrEqual PRelu Where'),
  change(16, BFLOAT, 'V', 'If Loop Scan'),
  change(18, CLASSIC_BEFORE_BFLOAT, 'O', 'OptionalGetElement OptionalHasElement'),
  change(19, ['float16', ...BFLOAT], 'S U', 'DequantizeLinear'),
  change(19, ['float16', ...BFLOAT], 'T', 'QuantizeLinear'),
  change(19, ['float16', 'int32', ...BFLOAT], 'S', 'QuantizeLinear'),
  change(19, FLOAT8, 'T U', 'Cast CastLike'),
  change(19, FLOAT8, 'T', 'Constant DequantizeLinear Identity Reshape Shape Size'),
  change(19, FLOAT8, 'U', 'QuantizeLinear'),
  change(19, FLOAT8, 'V', 'If Loop Scan'),
  change(19, ['string'], 'T', 'Equal'),
  change(20, [...BFLOAT, ...FLOAT8], 'T', 'ConstantOfShape'),
  change(20, ['float16', ...BFLOAT, ...FLOAT8], 'T', 'IsInf'),
  change(20, FLOAT8, 'T', 'IsNaN'),
  change(20, ['bool'], 'T', 'ReduceMax ReduceMin'),
  change(21, ['float16', ...BFLOAT], 'F', 'QLinearMatMul'),
  change(21, INT4, 'T U', 'Cast CastLike'),
  change(21, INT4, 'T', 'Constant ConstantOfShape Identity Reshape Shape Size'),
  change(21, INT4, 'V', 'If Loop Scan'),
  change(21, ['int16', 'uint16', ...INT4], 'T', 'DequantizeLinear'),
  change(21, ['int16', 'uint16', ...INT4], 'U', 'QuantizeLinear'),
  change(21, [...FLOAT8, ...INT4], 'T', 'Flatten Pad Squeeze Transpose Unsqueeze'),
  change(21, FLOAT8, 'T U V', 'QLinearMatMul'),
  change(22, [...BFLOAT, ...FLOAT8], 'R', 'Dropout'),
  change(
    22,
    BFLOAT,
    'T',
    'Acos Acosh Asin Asinh Atan Atanh AveragePool Bernoulli Conv ConvTranspose Cos Cosh DeformConv Elu ' +
      'GlobalAveragePool GlobalLpPool GlobalMaxPool GRU HardSigmoid HardSwish InstanceNormalization LpNormalization ' +
      'LpPool LSTM MaxPool MaxUnpool Mish Multinomial RandomNormal RandomUniform RNN Round Selu Sin Sinh Softplus ' +
      'Softsign Tan ThresholdedRelu',
  ),
  change(22, BFLOAT, 'T U', 'EyeLike RandomNormalLike RandomUniformLike'),
  change(22, FLOAT8, 'T', 'Dropout'),
  change(23, FLOAT4, 'T U', 'Cast CastLike'),
  change(
    23,
    FLOAT4,
    'T',
    'Constant ConstantOfShape DequantizeLinear Flatten Identity Pad Reshape Shape Size Squeeze Transpose ' +
      'Unsqueeze',
  ),
  change(23, FLOAT4, 'U', 'QuantizeLinear'),
  change(23, FLOAT4, 'V', 'If Loop Scan'),
  change(24, E8M0, 'S', 'DequantizeLinear QuantizeLinear'),
  change(24, E8M0, 'T U', 'Cast CastLike'),
  change(24, E8M0, 'T', 'Constant ConstantOfShape Flatten Identity Pad Reshape Shape Size Squeeze Transpose Unsqueeze'),
  change(24, E8M0, 'V', 'If Loop Scan'),
  change(24, BFLOAT, 'T', 'SplitToSequence TopK'),
  change(25, INT2, 'T U', 'Cast CastLike'),
  change(
    25,
    INT2,
    'T',
    'Constant ConstantOfShape DequantizeLinear Flatten Identity Pad Reshape Shape Size Squeeze Transpose ' +
      'Unsqueeze',
  ),
  change(25, INT2, 'U', 'QuantizeLinear'),
  change(25, INT2, 'V', 'If Loop Scan'),
  change(27, ['float16', ...BFLOAT], 'T', 'Range'),
  change(28, [...BFLOAT, ...E8M0, ...FLOAT4, ...FLOAT8, ...INT2, ...INT4], 'O V', 'OptionalGetElement'),
  change(28, [...BFLOAT, ...E8M0, ...FLOAT4, ...FLOAT8, ...INT2, ...INT4], 'O', 'OptionalHasElement'),
  change(28, [...BFLOAT, ...E8M0, ...FLOAT4, ...FLOAT8, ...INT2, ...INT4], 'V', 'Optional'),
  change(28, ['int16', 'int32', 'int64', 'int8'], 'T', 'BitShift'),
  change(28, ['float16', 'float64', ...BFLOAT], 'T', 'Celu'),
  change(28, BFLOAT, 'T', 'Compress Einsum ReverseSequence'),
  change(28, BFLOAT, 'V', 'OneHot'),
];

const REMOVED: readonly TypeChange[] = [
  change(13, INTS, 'T', 'Erf'),
  change(28, WIDE_INTS, 'T', 'ReduceLogSum ReduceLogSumExp'),
];

type Versions = ReadonlyMap<string, ReadonlyMap<DType, number>>;

/** By `operator variable`, the version of each type that came (or went). */
function byOperator(changes: readonly TypeChange[]): Versions {
  const versions = new Map<string, Map<DType, number>>();
  for (const { version, types, variables, ops } of changes)
    for (const op of ops.split(' '))
      for (const variable of variables.split(' ')) {
        const key = `${op} ${variable}`;
        const known = versions.get(key) ?? new Map<DType, number>();
        versions.set(key, known);
        for (const type of types) known.set(type, version);
      }
  return versions;
}

const added = byOperator(ADDED);
const removed = byOperator(REMOVED);

/** The element types that a version of a signature allows for one of its type variables. */
export function typesAt(op: AnyOpDef, variable: string, version: number): readonly DType[] {
  const union: readonly DType[] = op.types[variable] ?? [];
  const [came, went] = [added.get(`${op.name} ${variable}`), removed.get(`${op.name} ${variable}`)];
  if (!came && !went) return union;
  return union.filter((t) => (came?.get(t) ?? 0) <= version && (went?.get(t) ?? Number.POSITIVE_INFINITY) > version);
}
