/** A correlation with its interval of 95 %. */
export interface Correlation {
  readonly r: number;
  readonly low: number;
  readonly high: number;
}

/** Pearson's r; the interval by Fisher's transformation (R. A. Fisher, 1921), which takes n > 3. */
export function pearson(x: readonly number[], y: readonly number[]): Correlation {
  const n = x.length;
  const [mx, my] = [mean(x), mean(y)];
  let [sxy, sxx, syy] = [0, 0, 0];
  x.forEach((a, i) => {
    const [dx, dy] = [a - mx, (y[i] ?? Number.NaN) - my];
    sxy += dx * dy;
    sxx += dx * dx;
    syy += dy * dy;
  });
  const r = sxy / Math.sqrt(sxx * syy);
  const half = 1.959963984540054 / Math.sqrt(n - 3);
  const z = Math.atanh(r);
  return n > 3 ? { r, low: Math.tanh(z - half), high: Math.tanh(z + half) } : { r, low: -1, high: 1 };
}

const mean = (x: readonly number[]): number => x.reduce((s, v) => s + v, 0) / x.length;

/** The empirical distribution function: by value, the share of values that are at most as large. */
export function edf(values: readonly number[]): readonly (readonly [value: number, share: number])[] {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.map((v, i) => [v, (i + 1) / sorted.length]);
}

/** Those that no other one beats in both figures, smaller being better; by the first figure. */
export function paretoFront<T>(items: readonly T[], a: (item: T) => number, b: (item: T) => number): readonly T[] {
  let best = Number.POSITIVE_INFINITY;
  return [...items]
    .sort((p, q) => a(p) - a(q) || b(p) - b(q))
    .filter((item) => {
      if (b(item) >= best) return false;
      best = b(item);
      return true;
    });
}
