import { BatchNormalization, constantOf } from '../../ops/index.js';
import { asFloat64, fromFloat64, type FloatType, isFloat, type Tensor } from '../../tensor/tensor.js';
import { holdsInitializers, wouldCopy } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/** Each channel of x: N,C,D1..Dn brought to mean 0 and variance 1 (that of all its elements), then scaled and shifted; rounded once. */
function normalised(x: Tensor, dtype: FloatType, scale: Float64Array, bias: Float64Array, epsilon: number): Tensor {
  const [from, to] = [asFloat64(x), Float64Array.from(asFloat64(x))];
  const [batch = 1, channels = 1, ...rest] = x.shape;
  const run = rest.reduce((a, b) => a * b, 1);
  const eachOf = (c: number, visit: (i: number) => void): void => {
    for (let n = 0; n < batch; n++) for (let i = (n * channels + c) * run, end = i + run; i < end; i++) visit(i);
  };
  for (let c = 0; c < channels; c++) {
    let [sum, squares] = [0, 0];
    eachOf(c, (i) => (sum += from[i] ?? 0));
    const mean = sum / (batch * run);
    eachOf(c, (i) => (squares += ((from[i] ?? 0) - mean) ** 2));
    const factor = (scale[c] ?? 0) / Math.sqrt(squares / (batch * run) + epsilon);
    eachOf(c, (i) => (to[i] = ((from[i] ?? 0) - mean) * factor + (bias[c] ?? 0)));
  }
  return fromFloat64(dtype, x.shape, to);
}

export const normOfConstant = rule({
  name: 'norm-of-constant',
  doc: 'BatchNormalization(w) in training mode, w constant -> (w - mean(w)) / sqrt(var(w) + epsilon) * scale + bias, a constant (weight standardisation)',
  root: BatchNormalization,
  apply(norm, edit) {
    if (norm.attr.training_mode === 0) return notApplicable('not-training');
    const [x, scale, bias] = [norm.in.x, norm.in.scale, norm.in.bias].map(constantOf);
    if (!x || !scale || !bias || !isFloat(x.dtype)) return notApplicable('operand-computed');
    const { y, running_mean, running_variance } = norm.out;
    if ([running_mean, running_variance].some((v) => v && (v.uses.size > 0 || v.outputCount > 0)))
      return skip('statistics-used');
    if (y.outputCount > 0) return notApplicable('is-output');
    if (!holdsInitializers(norm.graph)) return notApplicable('no-subgraph-initializers');
    if (wouldCopy(norm.in.x, x.byteLength)) return skip('constant-large');
    const held = normalised(x, x.dtype, asFloat64(scale), asFloat64(bias), norm.attr.epsilon);
    edit.replaceUses(y, edit.constant(norm.graph, held, y.name));
  },
});
