import { describe, expect, test } from 'vitest';
import { mcnemar, wilson } from '../../src/verify/proportions.js';

// Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I, method 3.
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("Wilson's interval of %i of %i", (correct, of, low, high) => {
  const share = wilson(correct, of);
  expect(share.percent).toBeCloseTo((100 * correct) / of, 10);
  expect(share.low / 100).toBeCloseTo(low, 4);
  expect(share.high / 100).toBeCloseTo(high, 4);
});

test('all, none, and nothing', () => {
  expect(wilson(20, 20)).toMatchObject({ percent: 100, high: 100 });
  expect(wilson(20, 20).low).toBeCloseTo(83.89, 2);
  expect(wilson(0, 0)).toMatchObject({ low: 0, high: 100 });
});

describe("McNemar's test", () => {
  // 1 against 7 and 6 against 16: Fagerland, Lydersen, Laake, BMC Medical Research Methodology 13:91 (2013). The others: sums of binomials as exact
  // fractions.
  test.each([
    [1, 7, 0.0703125, 0.0390625],
    [6, 16, 0.052478790283203125, 0.03468966484069824],
    [120, 90, 0.04511408786484073, 0.03864334878220895],
    [3000, 2900, 0.1974390248435765, 0.19298764924082637],
    [5, 5, 1, 0.876953125],
    [0, 3, 0.25, 0.125],
    [0, 0, 1, 1],
  ])('%i against %i', (first, second, exact, midP) => {
    for (const result of [mcnemar(first, second), mcnemar(second, first)]) {
      expect(result.exact).toBeCloseTo(exact, 6);
      expect(result.midP).toBeCloseTo(midP, 6);
    }
  });

  test('of a hundred thousand images', () => {
    expect(mcnemar(50_000, 50_000).exact).toBe(1);
    expect(mcnemar(49_000, 51_000).exact).toBeGreaterThan(0);
    expect(mcnemar(49_000, 51_000).exact).toBeLessThan(1e-9);
  });
});
