import { type Editor, everyGraph } from '../graph/edit.js';
import { intsOf, type KnownInts } from '../graph/infer-node.js';
import type { Model } from '../graph/ir.js';
import type { Dim, Shape } from '../graph/types.js';
import { constantOf, Reshape } from '../ops/index.js';
import { shapeOf } from '../ops/tensors.js';
import { int64Tensor } from '../tensor/tensor.js';
import { holdsInitializers } from './match.js';

/** Gives a Reshape whose sizes are computed the constant that says the same: 0 for a size of its input, -1 for the one that is left. Gives how many. */
export function fixReshapeSizes(model: Model, edit: Editor, known: KnownInts): number {
  let fixed = 0;
  for (const graph of everyGraph(model)) {
    if (!holdsInitializers(graph)) continue;
    for (const node of graph.nodes()) {
      if (!node.is(Reshape) || constantOf(node.in.shape)) continue;
      const wanted = intsOf(node.in.shape, known);
      const sizes = wanted && constantSizes(wanted, shapeOf(node.in.x), node.attr.allowzero !== 0);
      if (!sizes) continue;
      edit.setInput(node, 1, edit.constant(graph, int64Tensor([sizes.length], sizes), `${node.out.y.name}_shape`));
      fixed += 1;
    }
  }
  return fixed;
}

/** The operand that asks for these sizes, whatever the open ones are; undefined where more than one of them is not a size of the input at its place. */
function constantSizes(wanted: Shape, input: Shape | undefined, allowZero: boolean): readonly number[] | undefined {
  const copied = (d: Dim, i: number): boolean => !allowZero && typeof d === 'string' && input?.[i] === d;
  const sizes = wanted.map((d, i) => (typeof d === 'number' ? d : copied(d, i) ? 0 : -1));
  return sizes.filter((d) => d === -1).length <= 1 ? sizes : undefined;
}
