import { Add, Conv, ConvTranspose, Gemm, MatMul, Mul } from '../../ops/index.js';
import { dtypeOf } from '../../ops/tensors.js';
import { fromFloat64, isFloat } from '../../tensor/tensor.js';
import { holdsInitializers, usedOnlyBy } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/** What takes up a scale. */
const LINEAR = [Conv, ConvTranspose, Gemm, MatMul] as const;

export const doubled = rule({
  name: 'doubled',
  doc: 'a + a -> 2 * a, where a is a convolution or product that can take up the 2',
  root: Add,
  apply(add, edit) {
    const { a, b } = add.in;
    if (a !== b) return notApplicable('operands-differ');
    if (!LINEAR.some((op) => a.producer?.is(op))) return notApplicable('no-absorber');
    if (!usedOnlyBy(a, add)) return skip('used-elsewhere');
    const dtype = dtypeOf(a);
    if (!isFloat(dtype)) return skip('type-unknown');
    if (!holdsInitializers(add.graph)) return notApplicable('no-subgraph-initializers');
    const two = edit.constant(add.graph, fromFloat64(dtype, [], Float64Array.of(2)), `${add.out.y.name}_two`);
    edit.replace(add, Mul, { a, b: two });
  },
});
