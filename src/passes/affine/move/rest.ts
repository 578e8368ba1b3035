import type { Editor } from '../../../graph/edit.js';
import type { Node, Value } from '../../../graph/ir.js';
import { Add, BatchNormalization, BatchNormalization7, Mul } from '../../../ops/index.js';
import { rankOf } from '../../../ops/tensors.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { isSkip, type Skip } from '../../rule.js';
import type { FloatType } from '../form.js';
import { rounded } from '../weights.js';
import { type Affine, isScaled, isShifted } from './affine.js';
import { compressed, type Grid, vectorAlong } from './grid.js';

/** An affine map as nodes, its numbers made. */
export interface Written {
  readonly count: number;
  /** Writes it in place of `root`, which has the same output. */
  readonly write: (edit: Editor, root: Node) => void;
}

/** The default of the operator, as a float32. */
const EPSILON = Math.fround(1e-5);

/** A variance whose sum with the epsilon is 1, also when it is added up in float32: the scale is then the number that is stored. */
const variance = (type: FloatType): number => (type === 'float64' ? 1 - EPSILON : Math.fround(1 - EPSILON));

/** One BatchNormalization with mean 0: x of N,C,D1..Dn, one number for each of C. Undefined where the map is none of channels. */
export function normalized(affine: Affine, x: Value, type: FloatType): Written | undefined {
  const rank = rankOf(x) ?? 0;
  const channels = Math.max(...[affine.scale, affine.shift].map((g) => g.shape[1] ?? 1));
  const [scale, shift] = [affine.scale, affine.shift].map((g) => vectorAlong(g, 1, channels));
  if (rank < 2 || type === 'float16' || type === 'bfloat16' || !scale || !shift) return undefined;
  if (!isScaled(affine) || !isShifted(affine)) return undefined;
  const [zeros, ones] = [new Float64Array(channels), new Float64Array(channels).fill(variance(type))];
  const params: Tensor[] = [];
  for (const values of [scale, shift, zeros, ones]) {
    const t = rounded(type, [channels], values);
    if (isSkip(t)) return undefined;
    params.push(t);
  }
  return {
    count: 1,
    write(edit, root) {
      const [s, t, mean, spread] = params.map((p, i) => edit.constant(root.graph, p, NAMES[i] ?? ''));
      if (!s || !t || !mean || !spread) return;
      const op = (root.opset ?? 0) < 14 ? BatchNormalization7 : BatchNormalization;
      edit.replace(root, op, { x, scale: s, bias: t, mean, variance: spread }, { epsilon: EPSILON });
    },
  };
}

const NAMES = ['merged.weight', 'merged.bias', 'merged.running_mean', 'merged.running_var'];

/** A Mul and an Add, or one of them. */
export function writeAffine(affine: Affine, x: Value, type: FloatType): Written | Skip {
  const tensorOf = (grid: Grid): Tensor | Skip => {
    const g = compressed(grid);
    return rounded(type, g.values.length === 1 ? [] : g.shape, g.values);
  };
  const scale = isScaled(affine) ? tensorOf(affine.scale) : undefined;
  const shift = isShifted(affine) ? tensorOf(affine.shift) : undefined;
  if (isSkip(scale)) return scale;
  if (isSkip(shift)) return shift;
  return {
    count: (scale ? 1 : 0) + (shift ? 1 : 0),
    write(edit, root) {
      const { graph } = root;
      let at = x;
      const s = scale && edit.constant(graph, scale, 'merged.scale');
      const t = shift && edit.constant(graph, shift, 'merged.shift');
      if (s && !t) edit.replace(root, Mul, { a: at, b: s });
      else if (s) at = edit.add(graph, Mul, { a: at, b: s }, {}, { before: root }).out.y;
      if (t) edit.replace(root, Add, { a: at, b: t });
    },
  };
}
