import { attr, defineOp } from '../graph/op-def.js';
import type { Dim, Shape } from '../graph/types.js';
import { broadcast } from './shape-rules.js';
import { expectRank, like, shapeError, shapeOf, shapeText, sharedDim } from './tensors.js';
import { NUMERIC, WIDE } from './types.js';

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
  types: { T: WIDE },
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
  types: { T: WIDE },
  attrs: {},
  infer: ({ in: { a, b } }) => ({ y: like(a, matMulShape(shapeOf(a), shapeOf(b))) }),
});

export const Einsum = defineOp({
  name: 'Einsum',
  since: [12, 28],
  doc: "The sum of products that an equation such as 'bij,bjk->bik' describes. xs: one tensor for each term.",
  inputs: { xs: 'T*' },
  outputs: { y: 'T' },
  types: { T: NUMERIC },
  attrs: { equation: attr.requiredString() },
  infer: ({ in: { xs }, attr }) => ({ y: like(xs[0], einsumShape(attr.equation, xs.map(shapeOf))) }),
});

/** The shape of a sum of products; undefined with an input of unknown rank. Throws `graph/shape` when letters and axes do not go together. */
function einsumShape(equation: string, shapes: readonly (Shape | undefined)[]): Shape | undefined {
  const [left = '', right] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (terms.length !== shapes.length)
    throw shapeError(`the equation '${equation}' has ${terms.length} terms for ${shapes.length} inputs`);
  if (shapes.some((s) => !s)) return undefined;
  const sizes = new Map<string, Dim>();
  const batches: Shape[] = [];
  terms.forEach((term, t) => {
    const shape = shapes[t] ?? [];
    const letters = term.replace('...', '');
    const extra = shape.length - letters.length;
    if (extra < 0 || (extra > 0 && !term.includes('...')))
      throw shapeError(
        `the term '${term}' of '${equation}' does not name the ${shape.length} axes of ${shapeText(shape)}`,
      );
    const dots = term.indexOf('...');
    if (dots >= 0) batches.push(shape.slice(dots, dots + extra));
    Array.from(letters).forEach((letter, i) => {
      const d = shape[dots >= 0 && i >= dots ? i + extra : i];
      const before = sizes.get(letter);
      sizes.set(
        letter,
        before === 1 ? d : d === 1 && before !== undefined ? before : sharedDim(before, d, `axes '${letter}'`),
      );
    });
  });
  const batch = broadcast(batches) ?? [];
  const implied = [...sizes.keys()].filter((l) => left.split(l).length === 2).sort();
  const out = right ?? `${left.includes('...') ? '...' : ''}${implied.join('')}`;
  return out.split('...').flatMap((part, i) => [...(i > 0 ? batch : []), ...Array.from(part, (l) => sizes.get(l))]);
}
