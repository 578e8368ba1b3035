import type { Inputs } from './compensate.js';
import type { Rows } from './rows.js';
import type { QuantizedWeight } from './weights.js';

/** By row: how much the rounding of its weights shifts the mean of its output, borders included: the errors of the weights times the means of what they see. */
export function meanErrors(
  weight: Float64Array,
  { values, scales }: QuantizedWeight,
  rows: Rows,
  inputsOf: (row: number) => Inputs,
): Float64Array {
  const out = new Float64Array(rows.count);
  for (let o = 0; o < rows.count; o++) {
    const { means } = inputsOf(o);
    let sum = 0;
    rows.order.forEach((at, j) => {
      const i = o * rows.rowStep + at;
      sum += ((values[i] ?? 0) * (scales[o] ?? 0) - (weight[i] ?? 0)) * (means[j] ?? 0);
    });
    out[o] = sum;
  }
  return out;
}
