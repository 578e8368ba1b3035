/**
 * What is known of the numbers that a row of weights is multiplied with, in the order of the row: the mean and the variance of each, and which of them
 * belong to one channel.
 */
export interface Inputs {
  readonly means: Float64Array;
  readonly variances: Float64Array;
  readonly channels: Int32Array;
}

/** How much of a channel's variance its neighbouring pixels share: photographs and feature maps are smooth. */
const SMOOTHNESS = 0.8;

/** The variance of what all channels of an image share, relative to their means: some images excite all of them more. */
const GAIN = 0.05;

/** Each pass takes roundings back that lower the noise; few are left after some. */
const PASSES = 4;

/**
 * Chooses for each weight between the integer below and the one above so that the errors of a row cancel where inputs go together, instead of each being small:
 * with errors e_j, variances v and means m, the expected noise is sum((1 - s) v_j e_j^2) + sum over channels(s v_c (sum of its e_j)^2) + g (sum(m_j e_j))^2.
 * Descends by single changes. `allows` refuses an integer that must not be.
 */
export function compensate(
  row: Float64Array,
  scale: number,
  integers: Int32Array,
  inputs: Inputs,
  allows: (j: number, q: number) => boolean,
): void {
  const { means, variances, channels } = inputs;
  const errors = row.map((w, j) => (integers[j] ?? 0) - w / scale);
  const sums = new Float64Array(channels.reduce((n, c) => Math.max(n, c), 0) + 1);
  let total = 0;
  for (let j = 0; j < row.length; j++) {
    const c = channels[j] ?? 0;
    sums[c] = (sums[c] ?? 0) + (errors[j] ?? 0);
    total += (means[j] ?? 0) * (errors[j] ?? 0);
  }
  for (let pass = 0, changed = true; changed && pass < PASSES; pass++) {
    changed = false;
    for (let j = 0; j < row.length; j++) {
      const e = errors[j] ?? 0;
      const c = channels[j] ?? 0;
      const v = variances[j] ?? 0;
      const m = means[j] ?? 0;
      const step = e > 0 ? -1 : 1;
      // (a + d)^2 - a^2 = d (2 a + d), with d = step, or step m.
      const change =
        (1 - SMOOTHNESS) * v * (2 * step * e + 1) +
        SMOOTHNESS * v * (2 * step * (sums[c] ?? 0) + 1) +
        GAIN * step * m * (2 * total + step * m);
      const q = (integers[j] ?? 0) + step;
      if (change >= 0 || !allows(j, q)) continue;
      integers[j] = q;
      errors[j] = e + step;
      sums[c] = (sums[c] ?? 0) + step;
      total += step * m;
      changed = true;
    }
  }
}
