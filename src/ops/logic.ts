import type { Value } from '../graph/ir.js';
import { attr, defineOp } from '../graph/op-def.js';
import type { Dim } from '../graph/types.js';
import type { DType } from '../tensor/dtype.js';
import { broadcastType } from './elementwise.js';
import { type Ints, vectorOf, zipInts } from './ints.js';
import { broadcast } from './shape-rules.js';
import { like, shapeOf, typed } from './tensors.js';
import { BOOL, CLASSIC, INTS, NUMERIC } from './types.js';

type Test = (a: number, b: number) => boolean;
interface Two {
  readonly in: { readonly a: Value; readonly b: Value };
  readonly ints: Ints;
}

/** y = a ? b of type bool, under numpy's broadcasting. `test` follows it through shape arithmetic. */
const comparison = (name: string, since: readonly number[], doc: string, types: readonly DType[], test?: Test) =>
  defineOp({
    name,
    since,
    doc: `${doc}, per element. a, b: broadcast to y.`,
    inputs: { a: 'T', b: 'T' },
    outputs: { y: 'B' },
    types: { T: types, B: BOOL },
    attrs: {},
    infer: ({ in: { a, b } }) => ({ y: typed('bool', broadcast([shapeOf(a), shapeOf(b)])) }),
    ...(test && { data: ({ in: { a, b }, ints }: Two) => zipInts([a, b], ints, (d, e) => answer(d, e, test)) }),
  });

const answer = (a: Dim, b: Dim, test: Test): Dim =>
  typeof a === 'number' && typeof b === 'number' ? Number(test(a, b)) : undefined;

const orBool: readonly DType[] = [...NUMERIC, 'bool', 'string'];

export const And = comparison('And', [7], 'a and b', BOOL, (a, b) => a !== 0 && b !== 0);
export const Equal = comparison('Equal', [7, 11, 13, 19], 'a = b', orBool, (a, b) => a === b);
export const Greater = comparison('Greater', [7, 9, 13], 'a > b', NUMERIC, (a, b) => a > b);
export const GreaterOrEqual = comparison('GreaterOrEqual', [12, 16], 'a >= b', NUMERIC, (a, b) => a >= b);
export const Less = comparison('Less', [7, 9, 13], 'a < b', NUMERIC, (a, b) => a < b);
export const LessOrEqual = comparison('LessOrEqual', [12, 16], 'a <= b', NUMERIC, (a, b) => a <= b);
export const Or = comparison('Or', [7], 'a or b', BOOL, (a, b) => a !== 0 || b !== 0);
export const Xor = comparison('Xor', [7], 'Either a or b', BOOL);

const bitwise = (name: string, doc: string) =>
  defineOp({
    name,
    since: [18],
    doc: `${doc}, per element. a, b: broadcast to y.`,
    inputs: { a: 'T', b: 'T' },
    outputs: { y: 'T' },
    types: { T: INTS },
    attrs: {},
    infer: ({ in: { a, b } }) => ({ y: broadcastType([a, b]) }),
  });

export const BitwiseAnd = bitwise('BitwiseAnd', 'a AND b, bit by bit');
export const BitwiseOr = bitwise('BitwiseOr', 'a OR b, bit by bit');
export const BitwiseXor = bitwise('BitwiseXor', 'a XOR b, bit by bit');

export const BitShift = defineOp({
  name: 'BitShift',
  since: [11, 28],
  doc: 'a with its bits shifted by b places, per element. a, b: broadcast to y.',
  inputs: { a: 'T', b: 'T' },
  outputs: { y: 'T' },
  types: { T: INTS },
  attrs: { direction: attr.requiredString() },
  infer: ({ in: { a, b } }) => ({ y: broadcastType([a, b]) }),
});

export const Where = defineOp({
  name: 'Where',
  since: [9, 16],
  doc: 'a where the condition holds, b elsewhere, per element. condition, a, b: broadcast to y.',
  inputs: { condition: 'B', a: 'T', b: 'T' },
  outputs: { y: 'T' },
  types: { B: BOOL, T: CLASSIC },
  attrs: {},
  infer: ({ in: { condition, a, b } }) => ({
    y: like(a, broadcast([shapeOf(condition), shapeOf(a), shapeOf(b)])),
  }),
  data({ in: { condition, a, b }, ints }) {
    const [test, yes, no] = [vectorOf(condition, ints), vectorOf(a, ints), vectorOf(b, ints)];
    if (!test || !yes || !no) return undefined;
    const length = Math.max(test.length, yes.length, no.length);
    const entry = (list: readonly Dim[], i: number): Dim => list[list.length === 1 ? 0 : i];
    return Array.from({ length }, (_, i) => {
      const [t, y, n] = [entry(test, i), entry(yes, i), entry(no, i)];
      if (typeof t !== 'number') return y === n ? y : undefined;
      return t === 0 ? n : y;
    });
  },
});
