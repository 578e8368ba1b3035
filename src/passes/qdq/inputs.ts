import type { Node } from '../../graph/ir.js';
import { Conv } from '../../ops/index.js';
import { type Statistics, windowKey } from '../../running/observe.js';
import type { Inputs } from './compensate.js';
import type { Rows } from './rows.js';
import { windowOf } from './watches.js';

/**
 * What is known of the numbers that each row of a layer's weights is multiplied with. `means`: what each tap sees, in the order of the weight's own tensor: [channel][tap].
 * Undefined where the layer's window is not known.
 */
export function inputsFor(
  node: Node,
  source: string,
  statistics: Statistics,
  rows: Rows,
): ((row: number) => Inputs) | undefined {
  const seen = statistics.get(source);
  const window = windowOf(node);
  const taps = window && seen?.taps.get(windowKey(window));
  const power = seen?.power;
  if (!taps || !power) return undefined;
  const length = rows.order.length;
  const each = taps.length / power.length;
  const groups = node.is(Conv) ? node.attr.group : 1;
  const perGroup = rows.count / groups;
  // The place of an element among those of its row, whatever lies between them in the tensor.
  const step = rows.rowStep === 1 && rows.axis === 1 ? rows.count : 1;
  const places = rows.order.map((at) => at / step);
  const channels = places.map((i) => Math.floor(i / each));
  const made = new Map<number, Inputs>();
  return (row) => {
    const group = Math.floor(row / perGroup);
    const known = made.get(group);
    if (known) return known;
    const from = group * length;
    const means = Float64Array.from(places, (i) => taps[from + i] ?? 0);
    const variances = Float64Array.from(channels, (c, j) =>
      Math.max((power[from / each + c] ?? 0) - (means[j] ?? 0) ** 2, 0),
    );
    const inputs = { means, variances, channels };
    made.set(group, inputs);
    return inputs;
  };
}
