import { attr, added, defineOp } from '../graph/op-def.js';
import { type Dim, tensorType } from '../graph/types.js';
import { type DType, dtypeOfCode } from '../tensor/dtype.js';
import { asFloat64, isNumeric } from '../tensor/tensor.js';
import { constantOf } from './constants.js';
import { constantInts } from '../graph/infer-node.js';
import { numbersOf, vectorOf } from './ints.js';
import { broadcast } from './shape-rules.js';
import { dtypeOf, like, productOf, shapeError, shapeOf, shapeText, typed } from './tensors.js';
import { ALL, BEFORE_BFLOAT, CLASSIC, FLOATS, INT64, NUMERIC } from './types.js';

export const ConstantOfShape = defineOp({
  name: 'ConstantOfShape',
  since: [9, 20, 21, 23, 24, 25],
  doc: 'A tensor filled with one value (float32 zero without `value`). shape: R integers. y: that shape.',
  inputs: { shape: 'I' },
  outputs: { y: 'T' },
  types: { I: INT64, T: ALL.filter((t) => t !== 'string' && !t.startsWith('complex')) },
  attrs: { value: attr.tensor() },
  infer: ({ in: { shape }, attr, ints }) => ({
    y: typed(attr.value?.dtype ?? 'float32', vectorOf(shape, ints)),
  }),
  data({ in: { shape }, attr, ints }) {
    const [size, value] = [vectorOf(shape, ints), attr.value && constantInts(attr.value)];
    const count = size && productOf(size);
    const dtype = attr.value?.dtype;
    if (!value || typeof count !== 'number' || count > 64 || (dtype !== 'int64' && dtype !== 'int32')) return undefined;
    return Array.from({ length: count }, () => value[0]);
  },
});

export const Expand = defineOp({
  name: 'Expand',
  since: [8, 13],
  doc: 'x broadcast with a shape. x: broadcasts to y. shape: R integers.',
  inputs: { x: 'T', shape: 'I' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INT64 },
  attrs: {},
  infer: ({ in: { x, shape }, ints }) => ({ y: like(x, broadcast([shapeOf(x), vectorOf(shape, ints)])) }),
  data({ in: { x, shape }, ints }) {
    const [held, size] = [vectorOf(x, ints), numbersOf(ints(shape))];
    if (!held || !size || size.length > 1) return undefined;
    const length = Math.max(held.length, size[0] ?? 1);
    return held.length === 1 && length <= 64 ? Array.from({ length }, () => held[0]) : held;
  },
});

export const EyeLike = defineOp({
  name: 'EyeLike',
  since: [9, 22],
  doc: 'Ones on the diagonal k, zeros elsewhere. x, y: M,N.',
  inputs: { x: 'T' },
  outputs: { y: 'U' },
  types: { T: [...NUMERIC, 'bool'], U: [...NUMERIC, 'bool'] },
  attrs: { dtype: attr.int(), k: attr.int(0) },
  infer: ({ in: { x }, attr }) => ({
    y: typed(attr.dtype === undefined ? dtypeOf(x) : dtypeOfCode(attr.dtype), shapeOf(x)),
  }),
});

export const Range = defineOp({
  name: 'Range',
  since: [11, 27],
  doc: 'start, start + delta, ..., all below limit (above it for a negative delta). start, limit, delta: scalars. y: max(0, ceil((limit - start) / delta)).',
  inputs: { start: 'T', limit: 'T', delta: 'T' },
  outputs: { y: 'T' },
  types: { T: [...FLOATS, 'int16', 'int32', 'int64'] },
  attrs: { stash_type: added(27, attr.int(1)) },
  infer({ in: { start, limit, delta }, ints }) {
    const ends = [start, limit, delta].map((v): Dim => {
      const held = constantOf(v);
      return held && isNumeric(held.dtype) ? asFloat64(held)[0] : ints(v)?.[0];
    });
    const [from, to, step] = ends;
    if (step === 0) throw shapeError('a Range with a delta of 0');
    if (from === 0 && step === 1 && typeof to === 'string') return { y: like(start, [to]) };
    if (typeof from !== 'number' || typeof to !== 'number' || typeof step !== 'number')
      return { y: like(start, [undefined]) };
    return { y: like(start, [Math.max(0, Math.ceil((to - from) / step))]) };
  },
  data({ in: { start, limit, delta }, ints }) {
    const [from, to, step] = [start, limit, delta].map((v) => ints(v)?.[0]);
    if (typeof from !== 'number' || typeof to !== 'number' || typeof step !== 'number') return undefined;
    const length = Math.max(0, Math.ceil((to - from) / step));
    return length <= 64 ? Array.from({ length }, (_, i) => from + i * step) : undefined;
  },
});

export const Tile = defineOp({
  name: 'Tile',
  since: [6, 13],
  doc: 'x repeated along each axis. x: D1..Dn. repeats: n integers. y: D1*r1..Dn*rn.',
  inputs: { x: 'T', repeats: 'I' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INT64 },
  attrs: {},
  infer({ in: { x, repeats }, ints }) {
    const [input, times] = [shapeOf(x), vectorOf(repeats, ints)];
    if (!input)
      return {
        y: like(
          x,
          times?.map((): Dim => undefined),
        ),
      };
    if (times && times.length !== input.length)
      throw shapeError(`${times.length} repeats for the ${input.length} axes of ${shapeText(input)}`);
    return {
      y: like(
        x,
        input.map((d, i) => tiled(d, times?.[i])),
      ),
    };
  },
});

const tiled = (size: Dim, times: Dim): Dim => {
  if (typeof size === 'number' && typeof times === 'number') return size * times;
  return times === 1 ? size : undefined;
};

/** The element type of an ONNX code, or of `value` when there is none. */
const codeOr = (code: number | undefined, fallback: DType): DType =>
  code === undefined ? fallback : dtypeOfCode(code);

const randomFill = <const A extends Parameters<typeof defineOp>[0]['attrs']>(name: string, doc: string, attrs: A) =>
  defineOp({
    name,
    since: [1, 22],
    doc: `${doc}. y: the given shape.`,
    inputs: {},
    outputs: { y: 'T' },
    types: { T: FLOATS },
    attrs: { dtype: attr.int(1), seed: attr.float(), shape: attr.requiredInts(), ...attrs },
    infer: ({ node }) => {
      const [dtype, shape] = [node.attrs.get('dtype'), node.attrs.get('shape')];
      const code = dtype?.kind === 'int' ? Number(dtype.value) : 1;
      return {
        y: shape?.kind === 'ints' ? tensorType(dtypeOfCode(code), Array.from(shape.values, Number)) : undefined,
      };
    },
  });

const randomLike = <const A extends Parameters<typeof defineOp>[0]['attrs']>(name: string, doc: string, attrs: A) =>
  defineOp({
    name,
    since: [1, 22],
    doc: `${doc}. x, y: of any shape.`,
    inputs: { x: 'T' },
    outputs: { y: 'U' },
    types: { T: CLASSIC, U: FLOATS },
    attrs: { dtype: attr.int(), seed: attr.float(), ...attrs },
    infer({ in: { x }, node }) {
      const dtype = node.attrs.get('dtype');
      return { y: typed(codeOr(dtype?.kind === 'int' ? Number(dtype.value) : undefined, dtypeOf(x)), shapeOf(x)) };
    },
  });

const normal = { mean: attr.float(0), scale: attr.float(1) };
const uniform = { high: attr.float(1), low: attr.float(0) };

export const RandomNormal = randomFill('RandomNormal', 'Draws from a normal distribution', normal);
export const RandomNormalLike = randomLike('RandomNormalLike', 'Draws from a normal distribution', normal);
export const RandomUniform = randomFill('RandomUniform', 'Draws from a uniform distribution', uniform);
export const RandomUniformLike = randomLike('RandomUniformLike', 'Draws from a uniform distribution', uniform);

export const Bernoulli = defineOp({
  name: 'Bernoulli',
  since: [15, 22],
  doc: '1 with probability x, else 0. x, y: of any shape.',
  inputs: { x: 'T' },
  outputs: { y: 'U' },
  types: { T: FLOATS, U: [...NUMERIC, 'bool'] },
  attrs: { dtype: attr.int(), seed: attr.float() },
  infer: ({ in: { x }, attr }) => ({ y: typed(codeOr(attr.dtype, dtypeOf(x)), shapeOf(x)) }),
});

export const Multinomial = defineOp({
  name: 'Multinomial',
  since: [7, 22],
  doc: 'Draws classes by their unnormalised log-probabilities. x: N,C. y: N,S.',
  inputs: { x: 'T' },
  outputs: { y: 'U' },
  types: { T: FLOATS, U: ['int32', 'int64'] },
  attrs: { dtype: attr.int(6), sample_size: attr.int(1), seed: attr.float() },
  infer: ({ in: { x }, attr }) => ({ y: typed(dtypeOfCode(attr.dtype), [shapeOf(x)?.[0], attr.sample_size]) }),
});

export const Trilu = defineOp({
  name: 'Trilu',
  since: [14],
  doc: 'The upper or lower triangle from diagonal k, zeros elsewhere. x, y: ..,M,N. k: scalar.',
  inputs: { x: 'T', k: 'I?' },
  outputs: { y: 'T' },
  types: { T: CLASSIC, I: INT64 },
  attrs: { upper: attr.int(1) },
  infer: ({ in: { x } }) => ({ y: like(x, shapeOf(x)) }),
});

export const NonZero = defineOp({
  name: 'NonZero',
  since: [9, 13],
  doc: 'Where x is not zero: one column of indices for each such element. x: rank R. y: R,K.',
  inputs: { x: 'T' },
  outputs: { y: 'I' },
  types: { T: CLASSIC, I: INT64 },
  attrs: {},
  infer: ({ in: { x } }) => ({ y: typed('int64', [shapeOf(x)?.length, undefined]) }),
});

export const OneHot = defineOp({
  name: 'OneHot',
  since: [9, 11, 28],
  doc: 'An axis of size `depth` that holds values[1] at the index and values[0] elsewhere. indices: of any shape. depth: scalar. values: 2.',
  inputs: { indices: 'T', depth: 'U', values: 'V' },
  outputs: { y: 'V' },
  types: { T: BEFORE_BFLOAT, U: BEFORE_BFLOAT, V: CLASSIC },
  attrs: { axis: attr.int(-1) },
  infer({ in: { indices, depth, values }, attr, ints }) {
    const places = shapeOf(indices);
    if (!places) return { y: like(values, undefined) };
    const held = constantOf(depth);
    const size = held && isNumeric(held.dtype) ? asFloat64(held)[0] : ints(depth)?.[0];
    const axis = attr.axis < 0 ? attr.axis + places.length + 1 : attr.axis;
    return { y: like(values, places.toSpliced(axis, 0, size)) };
  },
});

export const Size = defineOp({
  name: 'Size',
  since: [1, 13, 19, 21, 23, 24, 25],
  doc: 'The number of elements of x. x: of any shape. y: scalar.',
  inputs: { x: 'T' },
  outputs: { y: 'I' },
  types: { T: ALL, I: INT64 },
  attrs: {},
  infer: () => ({ y: tensorType('int64', []) }),
  data({ in: { x } }) {
    const shape = shapeOf(x);
    return shape && [productOf(shape)];
  },
});
