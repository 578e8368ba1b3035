import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { Transpose } from '../ops/index.js';
import { gelu } from './activations.js';
import { count, family } from './family.js';
import type { Scope } from './scope.js';

const EPS = 1e-6;

const channelsLast = (g: Scope, x: Value, name: string | number): Value =>
  g.node(Transpose, { x }, { perm: [0, 2, 3, 1] }, name).out.y;
const channelsFirst = (g: Scope, x: Value, name: string | number): Value =>
  g.node(Transpose, { x }, { perm: [0, 3, 1, 2] }, name).out.y;

/** LayerNormalization over the channels of N,C,H,W. */
function norm(g: Scope, x: Value, name: number): Value {
  const y = g.layerNorm(channelsLast(g, x, `${name}.in`), name, EPS);
  return channelsFirst(g, y, `${name}.out`);
}

/** Depthwise 7x7, LayerNormalization, and two linear layers on the channels, scaled and added. arXiv:2201.03545 fig. 4. */
function block(at: Scope, x: Value, layerScale: number): Value {
  const c = at.channels(x);
  const scale = at.layerScale([c, 1, 1], 'layer_scale', layerScale);
  const g = at.at('block');
  let y = g.conv(x, 0, { out: c, kernel: 7, pad: 3, groups: c, bias: true });
  y = g.layerNorm(channelsLast(g, y, 1), 2, EPS);
  y = gelu(g, g.pointwise(y, 3, 4 * c), 4);
  y = channelsFirst(g, g.pointwise(y, 5, c), 6);
  return at.add(at.mul(scale, y, 'scaled'), x);
}

/** ConvNeXt with torchvision's names. */
export const convnexts = family({
  name: 'convnext',
  config: {
    widths: v.pipe(v.array(count), v.minLength(1)),
    depths: v.pipe(v.array(count), v.minLength(1)),
    /** Where the scale of each block starts. */
    layerScale: v.optional(v.number(), 1e-6),
  },
  build(net, x, { widths, depths, layerScale, numClasses }) {
    const g = net.at('features');
    let y = g.at(0).conv(x, 0, { out: widths[0] ?? 1, kernel: 4, stride: 4, bias: true });
    y = norm(g.at(0), y, 1);
    widths.forEach((out, i) => {
      if (i > 0) {
        const down = g.at(2 * i);
        y = down.conv(norm(down, y, 0), 1, { out, kernel: 2, stride: 2, bias: true });
      }
      for (let j = 0; j < (depths[i] ?? 1); j++) y = block(g.at(2 * i + 1).at(j), y, layerScale);
    });
    const c = net.at('classifier');
    return { logits: c.linear(net.flatten(norm(c, net.globalAvgPool(y), 0)), 2, numClasses) };
  },
});
