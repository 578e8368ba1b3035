/**
 * What is known of the numbers that a row of weights is multiplied with, in the order of the row: the mean and the variance of each, and which of them
 * belong to one channel.
 */
export interface Inputs {
  readonly means: Float64Array;
  readonly variances: Float64Array;
  readonly channels: Int32Array;
  /** By channel, 0 to 1: how much of the variance its taps share, since neighbouring pixels are alike. */
  readonly shared: Float64Array;
}

/** The variance of what all channels of an image share, relative to their means: some images excite all of them more. */
const GAIN = 0.05;

/** Each pass takes roundings back that lower the noise; few are left after some. */
export const PASSES = 4;

/**
 * Chooses for each weight between the integer below and the one above so that the errors of a row cancel where inputs go together, instead of each being small:
 * with errors e_j, variances v, means m and s_c of a channel's variance shared, the expected noise is sum((1 - s_c) v_j e_j^2) + sum over channels(s_c v_c (sum of its
 * e_j)^2) + g (sum(m_j e_j))^2.
 * Descends by single changes. `allows` refuses an integer that must not be. Gives that noise, in squares of the scale.
 */
export function compensate(
  row: Float64Array,
  scale: number,
  integers: Int32Array,
  inputs: Inputs,
  allows: (j: number, q: number) => boolean,
): number {
  const { means, variances, channels, shared } = inputs;
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
      const s = shared[c] ?? 0;
      const step = e > 0 ? -1 : 1;
      // (a + d)^2 - a^2 = d (2 a + d), with d = step, or step m.
      const change =
        (1 - s) * v * (2 * step * e + 1) +
        s * v * (2 * step * (sums[c] ?? 0) + 1) +
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
  let noise = GAIN * total * total;
  const seen = new Float64Array(sums.length);
  errors.forEach((e, j) => {
    const c = channels[j] ?? 0;
    noise += (1 - (shared[c] ?? 0)) * (variances[j] ?? 0) * e * e;
    seen[c] = Math.max(seen[c] ?? 0, variances[j] ?? 0);
  });
  sums.forEach((e, c) => (noise += (shared[c] ?? 0) * (seen[c] ?? 0) * e * e));
  return noise;
}
