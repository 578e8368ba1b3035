/** A share of a count, with its interval. */
export interface Share {
  readonly percent: number;
  /** Of the 95 % interval, in percent. */
  readonly low: number;
  readonly high: number;
  readonly correct: number;
  readonly of: number;
}

/** The 97.5 % point of the standard normal distribution. */
const Z95 = 1.959963984540054;

/**
 * Wilson's score interval (1927) at 95 %: it holds its level for small counts and shares near 0 or 1, where p +- 1.96 s does not (Newcombe,
 * Statistics in Medicine 17, 1998). Of nothing: from 0 to 100.
 */
export function wilson(correct: number, of: number): Share {
  if (of === 0) return { percent: Number.NaN, low: 0, high: 100, correct, of };
  const p = correct / of;
  const z2 = Z95 * Z95;
  const middle = (p + z2 / (2 * of)) / (1 + z2 / of);
  const reach = (Z95 / (1 + z2 / of)) * Math.sqrt((p * (1 - p)) / of + z2 / (4 * of * of));
  return {
    percent: 100 * p,
    low: correct === 0 ? 0 : 100 * Math.max(0, middle - reach),
    high: correct === of ? 100 : 100 * Math.min(1, middle + reach),
    correct,
    of,
  };
}

export interface McNemar {
  /** Images that only the first, and only the second model gets right. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided: how probable so uneven a split is where both models are equally good. Exact; never below its level, often above. */
  readonly exact: number;
  /** The same with half of the probability of the very split: nearer to its level (Fagerland, Lydersen, Laake, BMC Medical Research Methodology 13:91, 2013). */
  readonly midP: number;
}

/** McNemar's test of two models on the same images, by the binomial distribution of those that one of them gets right. */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  const n = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  // ln of (n choose i) / 2^n, from one i to the next.
  let logarithm = -n * Math.LN2;
  let sum = 0;
  let point = 0;
  for (let i = 0; i <= fewer; i++) {
    if (i > 0) logarithm += Math.log((n - i + 1) / i);
    point = Math.exp(logarithm);
    sum += point;
  }
  const even = onlyFirst === onlySecond;
  return {
    onlyFirst,
    onlySecond,
    exact: even ? 1 : Math.min(1, 2 * sum),
    midP: n === 0 ? 1 : even ? 1 - point / 2 : Math.min(1, 2 * sum - point),
  };
}
