import { Add, Gemm, MatMul } from '../../ops/index.js';
import { dtypeOf, rankOf, shapeOf } from '../../ops/tensors.js';
import { broadcastsInto, producer, usedOnce } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

export const matmulAdd = rule({
  name: 'matmul-add',
  doc: 'MatMul(a, b) + c -> Gemm(a, b, c), where a and b are matrices and c broadcasts to their product',
  root: Add,
  apply(add, edit) {
    const left = producer(add.in.a, MatMul);
    const product = left ?? producer(add.in.b, MatMul);
    if (!product) return notApplicable('not-after-product');
    const c = left ? add.in.b : add.in.a;
    const { a, b } = product.in;
    if (rankOf(a) !== 2 || rankOf(b) !== 2) return skip('not-matrices');
    if (!usedOnce(product.out.y)) return skip('used-elsewhere');
    if (!broadcastsInto(shapeOf(c), shapeOf(product.out.y))) return skip('addend-shape');
    if (dtypeOf(a) !== 'float32' && dtypeOf(a) !== 'float64') return skip('not-single-float');
    edit.replace(add, Gemm, { a, b, c });
  },
});
