import { attr, defineOp } from '../graph/op-def.js';
import type { Dim, Shape } from '../graph/types.js';
import { broadcast } from './shape-rules.js';
import { expectRank, like, shapeError, shapeOf, shapeText } from './tensors.js';
import { NUMERIC } from './types.js';

/** The inner sizes of a product must agree. Throws `graph/shape`. */
function checkInner(a: Dim, b: Dim, left: Shape, right: Shape): void {
  if (typeof a === 'number' && typeof b === 'number' && a !== b)
    throw shapeError(
      `${shapeText(left)} x ${shapeText(right)}: the first has ${a} features and the second takes ${b}`,
      'equal inner sizes; for a fully connected layer: the features that Flatten makes',
    );
}

/** numpy's matmul: [..,m,k] x [..,k,n] is [..,m,n]; a vector has its axis dropped. Undefined when a rank is not known. */
export function matMulShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (!a || !b) return undefined;
  expectRank(a, 1, 'the first factor', false);
  expectRank(b, 1, 'the second factor', false);
  checkInner(a.at(-1), b.length === 1 ? b[0] : b.at(-2), a, b);
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)]) ?? [];
  return [...batch, ...(a.length > 1 ? [a.at(-2)] : []), ...(b.length > 1 ? [b.at(-1)] : [])];
}

export const Gemm = defineOp({
  name: 'Gemm',
  since: [7, 9, 11, 13],
  doc: "y = alpha * a' * b' + beta * c, where ' transposes if transA or transB says so. a': M,K. b': K,N. c: broadcasts to M,N. y: M,N.",
  inputs: { a: 'T', b: 'T', c: 'T?' },
  outputs: { y: 'T' },
  types: { T: NUMERIC },
  attrs: { alpha: attr.float(1), beta: attr.float(1), transA: attr.int(0), transB: attr.int(0) },
  infer({ in: { a, b, c }, attr }) {
    const left = shapeOf(a);
    const right = shapeOf(b);
    expectRank(left, 2, 'the first factor');
    expectRank(right, 2, 'the second factor');
    const [m, k] = attr.transA === 0 ? [left?.[0], left?.[1]] : [left?.[1], left?.[0]];
    const [l, n] = attr.transB === 0 ? [right?.[0], right?.[1]] : [right?.[1], right?.[0]];
    checkInner(k, l, left ?? [], right ?? []);
    const bias = shapeOf(c);
    if (bias) broadcast([[m, n], bias]);
    return { y: like(a, [m, n]) };
  },
});

export const MatMul = defineOp({
  name: 'MatMul',
  since: [1, 9, 13],
  doc: 'The matrix product as numpy has it. a: ..,M,K. b: ..,K,N. y: ..,M,N.',
  inputs: { a: 'T', b: 'T' },
  outputs: { y: 'T' },
  types: { T: NUMERIC },
  attrs: {},
  infer: ({ in: { a, b } }) => ({ y: like(a, matMulShape(shapeOf(a), shapeOf(b))) }),
});
