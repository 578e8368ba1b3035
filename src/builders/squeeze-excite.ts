import type { Value } from '../graph/ir.js';
import { type Activation, relu, sigmoid } from './activations.js';
import type { Scope } from './scope.js';

interface Options {
  readonly names?: { readonly first: string; readonly second: string };
  readonly activation?: Activation;
  readonly gate?: Activation;
}

/** Channels scaled by what two 1x1 convolutions, to `squeezed` channels and back, make of their means. arXiv:1709.01507. */
export function squeezeExcite(g: Scope, x: Value, squeezed: number, options: Options = {}): Value {
  const { names = { first: 'fc1', second: 'fc2' }, activation = relu, gate = sigmoid } = options;
  const y = activation(g, g.conv(g.globalAvgPool(x), names.first, { out: squeezed, kernel: 1, bias: true }));
  return g.mul(x, gate(g, g.conv(y, names.second, { out: g.channels(x), kernel: 1, bias: true })));
}
