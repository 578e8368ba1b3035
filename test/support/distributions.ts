/**
 * Abramowitz and Stegun 7.1.26 refined by a series: the normal distribution function to 1e-10, far below what the test
 * can see.
 */
export function normalCdf(z: number): number {
  if (z < -8) return 0;
  if (z > 8) return 1;
  let term = z;
  let sum = z;
  for (let k = 1; Math.abs(term) > 1e-16 * Math.abs(sum) && k < 400; k++) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

/** Kolmogorov and Smirnov's sqrt(n) * largest distance; above 1.95 once in a thousand samples of the right law. */
export function distance(sample: Float32Array | Float64Array, f: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  let d = 0;
  for (const [i, x] of sorted.entries()) {
    const p = f(x);
    d = Math.max(d, p - i / sorted.length, (i + 1) / sorted.length - p);
  }
  return d * Math.sqrt(sorted.length);
}

export const LARGEST_DISTANCE = 1.95;
