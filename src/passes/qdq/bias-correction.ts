import { constantTensor } from '../../graph/ir.js';
import { type Statistics, windowKey } from '../../running/observe.js';
import { asFloat64 } from '../../tensor/tensor.js';
import { rowsOf } from './rows.js';
import type { Placement } from './units.js';
import { windowOf } from './watches.js';
import { quantizeWeight } from './weights.js';

/**
 * What to add to each layer's bias so that the mean of its output does not change with the rounding of its weights: less the error of the weights times the mean of
 * what each tap sees, borders included. By the name of the layer's output. Layers whose window is not known go without.
 */
export function correctionsFor(placement: Placement, statistics: Statistics, safe: boolean): Map<string, Float64Array> {
  const out = new Map<string, Float64Array>();
  for (const { kind, node, inputs, outputs } of placement.units) {
    const stored = constantTensor(node.inputs[1]);
    const window = kind === 'weighted' ? windowOf(node) : undefined;
    const means = window && statistics.get(inputs[0]?.name ?? '')?.taps.get(windowKey(window));
    const [output] = outputs;
    if (!stored || !means || !output) continue;
    const weight = asFloat64(stored);
    const rows = rowsOf(node, stored.shape);
    const { values, scales } = quantizeWeight(weight, rows, safe);
    const length = rows.order.length;
    const groups = node.opType === 'Conv' ? means.length / length : 1;
    const perGroup = rows.count / groups;
    const correction = new Float64Array(rows.count);
    for (let o = 0; o < rows.count; o++) {
      const from = Math.floor(o / perGroup) * length;
      let sum = 0;
      // Taps of one channel stand next to each other, in weights as in means.
      for (let i = 0; i < length; i++) {
        const at = o * rows.rowStep + (rows.rowStep === 1 && rows.axis === 1 ? i * rows.count : i);
        sum += ((values[at] ?? 0) * (scales[o] ?? 0) - (weight[at] ?? 0)) * (means[from + i] ?? 0);
      }
      correction[o] = -sum;
    }
    out.set(output.name, correction);
  }
  return out;
}
