import { Add, constantOf, Gemm, MatMul, Reshape } from '../../ops/index.js';
import { rankOf, shapeOf } from '../../ops/tensors.js';
import { reshapeTensor } from '../../tensor/rearrange.js';
import { holdsInitializers, producer, usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

const PRODUCTS = [Gemm, MatMul] as const;

export const addAboveView = rule({
  name: 'add-above-view',
  doc: 'Reshape(a * w) + c -> Reshape(a * w + c), where the last axis stays and c has one number for each place on it',
  root: Add,
  apply(add, edit) {
    const left = producer(add.in.a, Reshape);
    const view = left ?? producer(add.in.b, Reshape);
    const source = view?.in.x;
    if (!view || !source) return notApplicable('not-a-view');
    if (!PRODUCTS.some((op) => source.producer?.is(op))) return notApplicable('not-after-product');
    const given = left ? add.in.b : add.in.a;
    const held = constantOf(given);
    if (!held) return skip('addend-computed');
    const [from, to] = [shapeOf(source)?.at(-1), shapeOf(view.out.y)?.at(-1)];
    const width = held.shape.at(-1) ?? 1;
    if (typeof from !== 'number' || from !== to) return skip('last-axis-changes');
    if (held.shape.some((d, i) => d !== 1 && i < held.shape.length - 1) || (width !== 1 && width !== from))
      return skip('addend-shape');
    if (held.shape.length > (rankOf(view.out.y) ?? 0)) return skip('addend-shape');
    if (!usedOnce(source) || !usedOnce(view.out.y)) return skip('used-elsewhere');
    if (held.shape.length !== 1 && !holdsInitializers(add.graph)) return notApplicable('no-subgraph-initializers');
    const c = held.shape.length === 1 ? given : edit.constant(add.graph, reshapeTensor(held, [width]), given.name);
    const below = edit.add(add.graph, Add, { a: source, b: c }, {}, { name: add.name, before: view });
    edit.setInput(view, 0, below.out.y);
    edit.replaceUses(add.out.y, view.out.y);
  },
});
