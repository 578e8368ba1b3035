import type { Value } from '../graph/ir.js';
import { attr, defineOp } from '../graph/op-def.js';
import type { Dim, ValueType } from '../graph/types.js';
import type { DType } from '../tensor/dtype.js';
import { type Ints, zipInts } from './ints.js';
import { broadcast } from './shape-rules.js';
import { addDims, divideDims, dtypeOf, like, multiplyDims, shapeOf, subtractDims, typed } from './tensors.js';
import { FLOATS, INDICES, NUMERIC } from './types.js';

/** The broadcast shape, with the element type of the first. */
export const broadcastType = (values: readonly Value[]): ValueType | undefined =>
  like(values[0], broadcast(values.map(shapeOf)));

interface Declared {
  readonly name: string;
  readonly since: readonly number[];
  readonly doc: string;
  readonly types: readonly DType[];
  readonly data?: (a: Dim, b: Dim) => Dim;
}

/** y = a op b under numpy's broadcasting. */
const binary = ({ name, since, doc, types, data }: Declared) =>
  defineOp({
    name,
    since,
    doc: `${doc}, per element. a, b: broadcast to y.`,
    inputs: { a: 'T', b: 'T' },
    outputs: { y: 'T' },
    types: { T: types },
    attrs: {},
    infer: ({ in: { a, b } }) => ({ y: broadcastType([a, b]) }),
    ...(data && {
      data: ({ in: { a, b }, ints }: { readonly in: { readonly a: Value; readonly b: Value }; readonly ints: Ints }) =>
        zipInts([a, b], ints, data),
    }),
  });

/** y = op(x1, x2, ...) under numpy's broadcasting. */
const variadic = ({ name, since, doc, types, data }: Declared) =>
  defineOp({
    name,
    since,
    doc: `${doc}, per element. xs: broadcast to y.`,
    inputs: { xs: 'T*' },
    outputs: { y: 'T' },
    types: { T: types },
    attrs: {},
    infer: ({ in: { xs } }) => ({ y: broadcastType(xs) }),
    ...(data && {
      data: ({ in: { xs }, ints }: { readonly in: { readonly xs: readonly Value[] }; readonly ints: Ints }) =>
        zipInts(xs, ints, data),
    }),
  });

export const Add = binary({ name: 'Add', since: [7, 13, 14], doc: 'a + b', types: NUMERIC, data: addDims });
export const Sub = binary({ name: 'Sub', since: [7, 13, 14], doc: 'a - b', types: NUMERIC, data: subtractDims });
export const Mul = binary({ name: 'Mul', since: [7, 13, 14], doc: 'a * b', types: NUMERIC, data: multiplyDims });
export const Div = binary({
  name: 'Div',
  since: [7, 13, 14],
  doc: 'a / b, towards zero for integers',
  types: NUMERIC,
  data: divideDims,
});

export const Max = variadic({
  name: 'Max',
  since: [6, 8, 12, 13],
  doc: 'The largest',
  types: NUMERIC,
  data: (a, b) => (typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : undefined),
});
export const Mean = variadic({ name: 'Mean', since: [6, 8, 13], doc: '(x1 + x2 + ...) / n', types: FLOATS });
export const Min = variadic({
  name: 'Min',
  since: [6, 8, 12, 13],
  doc: 'The smallest',
  types: NUMERIC,
  data: (a, b) => (typeof a === 'number' && typeof b === 'number' ? Math.min(a, b) : undefined),
});
export const Sum = variadic({ name: 'Sum', since: [6, 8, 13], doc: 'x1 + x2 + ...', types: FLOATS });

export const Mod = defineOp({
  name: 'Mod',
  since: [10, 13, 28],
  doc: 'The remainder of a / b, with the sign of b, or with that of a (fmod), per element. a, b: broadcast to y.',
  inputs: { a: 'T', b: 'T' },
  outputs: { y: 'T' },
  types: { T: NUMERIC },
  attrs: { fmod: attr.int(0) },
  infer: ({ in: { a, b } }) => ({ y: broadcastType([a, b]) }),
});

export const Pow = defineOp({
  name: 'Pow',
  since: [7, 12, 13, 15],
  doc: 'a to the power of b, per element, in the type of a. a, b: broadcast to y.',
  inputs: { a: 'T', b: 'U' },
  outputs: { y: 'T' },
  types: { T: [...FLOATS, ...INDICES], U: NUMERIC },
  attrs: {},
  infer: ({ in: { a, b } }) => ({ y: typed(dtypeOf(a), broadcast([shapeOf(a), shapeOf(b)])) }),
});
