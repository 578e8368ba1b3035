import type { Value } from '../graph/ir.js';
import { Clip, Erf, HardSigmoid, HardSwish } from '../ops/index.js';
import type { Ops } from './ops.js';

/** An activation under a name of `g`'s, in the operators that exporters write. */
export type Activation = (g: Ops, x: Value, name?: string | number) => Value;

export const relu: Activation = (g, x, name = 'relu') => g.relu(x, name);

export const relu6: Activation = (g, x, name = 'relu6') =>
  g.node(Clip, { x, min: g.scalar(0), max: g.scalar(6) }, {}, name).out.y;

export const sigmoid: Activation = (g, x, name = 'sigmoid') => g.sigmoid(x, name);

/** min(max(x / 6 + 1/2, 0), 1). */
export const hardSigmoid: Activation = (g, x, name = 'hardsigmoid') =>
  g.node(HardSigmoid, { x }, { alpha: 1 / 6 }, name).out.y;

/** x times its hard sigmoid. HardSwish exists from opset 14 on. */
export const hardSwish: Activation = (g, x, name = 'hardswish') =>
  g.net.opset >= 14 ? g.node(HardSwish, { x }, {}, name).out.y : g.mul(x, hardSigmoid(g, x, `${name}.gate`), name);

/** x times its sigmoid. */
export const silu: Activation = (g, x, name = 'silu') => g.mul(x, g.sigmoid(x, `${name}.gate`), name);

/** x (1 + erf(x / sqrt 2)) / 2: the exact form, not the one by tanh. */
export const gelu: Activation = (g, x, name = 'gelu') => {
  const erf = g.node(Erf, { x: g.divide(x, Math.SQRT2, `${name}.scaled`) }, {}, `${name}.erf`).out.y;
  const shifted = g.add(erf, g.scalar(1), `${name}.shifted`);
  return g.mul(g.mul(x, shifted, `${name}.gated`), g.scalar(0.5), name);
};
