import { type Inputs, PASSES } from './compensate.js';

/** How channels of a layer's input go together: their covariances, [channel][channel], and how much of them neighbouring taps share. */
export interface Together {
  readonly covariances: Float64Array;
  readonly channels: number;
  readonly shared: number;
}

/**
 * `compensate` with what is known of how channels go together: with the errors e_t of tap t as a vector over channels, and the covariances C, the expected noise is
 * (1 - s) sum over taps(e_t' C e_t) + s (sum of e_t)' C (sum of e_t). Descends by single changes; the gradients C e_t are kept. Gives that noise, in squares of the scale.
 */
export function compensateChannels(
  row: Float64Array,
  scale: number,
  integers: Int32Array,
  inputs: Inputs,
  { covariances, channels, shared }: Together,
  allows: (j: number, q: number) => boolean,
): number {
  const taps = row.length / channels;
  const errors = row.map((w, j) => (integers[j] ?? 0) - w / scale);
  // [tap][channel], and after them their sum over taps.
  const gradients = new Float64Array((taps + 1) * channels);
  const move = (j: number, by: number): void => {
    const c = inputs.channels[j] ?? 0;
    const at = c * channels;
    const own = Math.floor(j / channels) * channels;
    const all = taps * channels;
    for (let k = 0; k < channels; k++) {
      const change = by * (covariances[at + k] ?? 0);
      gradients[own + k] = (gradients[own + k] ?? 0) + change;
      gradients[all + k] = (gradients[all + k] ?? 0) + change;
    }
  };
  errors.forEach((e, j) => move(j, e));
  for (let pass = 0, changed = true; changed && pass < PASSES; pass++) {
    changed = false;
    for (let j = 0; j < row.length; j++) {
      const c = inputs.channels[j] ?? 0;
      const e = errors[j] ?? 0;
      const step = e > 0 ? -1 : 1;
      const own = gradients[Math.floor(j / channels) * channels + c] ?? 0;
      const all = gradients[taps * channels + c] ?? 0;
      const variance = covariances[c * channels + c] ?? 0;
      const change = 2 * step * ((1 - shared) * own + shared * all) + variance;
      const q = (integers[j] ?? 0) + step;
      if (change >= 0 || !allows(j, q)) continue;
      integers[j] = q;
      errors[j] = e + step;
      move(j, step);
      changed = true;
    }
  }
  return errors.reduce((sum, e, j) => {
    const c = inputs.channels[j] ?? 0;
    const own = gradients[Math.floor(j / channels) * channels + c] ?? 0;
    return sum + e * ((1 - shared) * own + shared * (gradients[taps * channels + c] ?? 0));
  }, 0);
}
