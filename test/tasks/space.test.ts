import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { costs } from '../../src/analysis/index.js';
import { buildArchitecture, findVariant, parseOwnCard } from '../../src/builders/index.js';
import { networkCosts } from '../../src/builders/regnet-costs.js';
import { quantisedStages } from '../../src/builders/regnet-widths.js';
import { parseRange } from '../../src/tasks/space/budget.js';
import { countSpace } from '../../src/tasks/space/count.js';
import { Draws } from '../../src/tasks/space/draws.js';
import { fitLinearRule } from '../../src/tasks/space/linear-rule.js';
import type { Reference } from '../../src/tasks/space/measure.js';
import { spaceReport } from '../../src/tasks/space/report.js';
import type { Row } from '../../src/tasks/space/rows.js';
import { readErrors, readMeasurements } from '../../src/tasks/space/measurements.js';
import { spaceReportHtml } from '../../src/tasks/space/report-html.js';
import { sampleSpace } from '../../src/tasks/space/sample.js';
import { SPACE_NAMES, type SpaceName, spaceOf } from '../../src/tasks/space/spaces.js';
import { edf, paretoFront, pearson } from '../../src/tasks/space/statistics.js';

const sampled = (space: SpaceName, n: number, macs: readonly [number, number] = [3.8e8, 4.2e8], seed = 0) =>
  [...sampleSpace({ space, n, seed, budget: { macs } })].map((card) => {
    const [variant] = parseOwnCard(card).variants.values();
    if (!variant) throw new Error('a card without a variant');
    return variant;
  });

/** arXiv:2003.13678 tables 2 and 3: GFLOPs, parameters and activations in millions, as printed; settings from pycls' configuration files. */
const PUBLISHED = `
regnet_x_200mf 13  24  36.44 2.49   8  0.2   2.7  2.2
regnet_x_400mf 22  24  24.48 2.54  16  0.4   5.2  3.1
regnet_x_600mf 16  48  36.97 2.24  24  0.6   6.2  4.0
regnet_x_800mf 16  56  35.73 2.28  16  0.8   7.3  5.1
regnet_x_1_6gf 18  80  34.01 2.25  24  1.6   9.2  7.9
regnet_x_3_2gf 25  88  26.31 2.25  48  3.2  15.3 11.4
regnet_x_4gf   23  96  38.65 2.43  40  4.0  22.1 12.2
regnet_x_6_4gf 17 184  60.83 2.07  56  6.5  26.2 16.4
regnet_x_8gf   23  80  49.56 2.88 120  8.0  39.6 14.1
regnet_x_12gf  19 168  73.36 2.37 112 12.1  46.1 21.4
regnet_x_16gf  22 216  55.59 2.1  128 15.9  54.3 25.5
regnet_x_32gf  23 320  69.86 2.0  168 31.7 107.8 36.3
regnet_y_200mf 13  24  36.44 2.49   8  0.2   3.2  2.2
regnet_y_400mf 16  48  27.89 2.09   8  0.4   4.3  3.9
regnet_y_600mf 15  48  32.54 2.32  16  0.6   6.1  4.3
regnet_y_800mf 14  56  38.84 2.4   16  0.8   6.3  5.2
regnet_y_1_6gf 27  48  20.71 2.65  24  1.6  11.2  8.0
regnet_y_3_2gf 21  80  42.63 2.66  24  3.2  19.4 11.3
regnet_y_4gf   22  96  31.41 2.24  64  4.0  20.6 12.3
regnet_y_6_4gf 25 112  33.22 2.27  72  6.4  30.6 16.4
regnet_y_8gf   17 192  76.82 2.19  56  8.0  39.2 18.0
regnet_y_12gf  19 168  73.36 2.37 112 12.1  51.8 21.4
regnet_y_16gf  18 200 106.23 2.48 112 15.9  83.6 23.0
regnet_y_32gf  20 232 115.89 2.53 232 32.3 145.0 30.3`
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/));

/** A number as printed: to one decimal, rounded or cut off. */
const printed = (value: number, text: string): boolean => Math.abs(value - Number(text)) < 0.1;

test.each(PUBLISHED)(
  '%s costs what the paper prints',
  (name = '', d, w0, wa, wm, group, gflops = '', params = '', acts = '') => {
    const variant = findVariant(name);
    const [settings, given] = [[d, w0, wa, wm, group].map(Number), variant.config];
    expect(['d', 'w0', 'wa', 'wm', 'groupWidth'].map((key) => given[key])).toEqual(settings);
    const { model } = buildArchitecture(variant, { config: { widthRounding: 'nearest' } });
    const { macs, parameters, activations } = costs(model);
    const ok = [printed(macs / 1e9, gflops), printed(parameters / 1e6, params), printed(activations / 1e6, acts)];
    expect({ name, ok }).toEqual({ name, ok: [true, true, true] });
  },
);

describe('sampling', () => {
  test.each(SPACE_NAMES)('%s: what is drawn can be built, and costs what its card says', (space) => {
    for (const variant of sampled(space, 3)) {
      const { macs, parameters, activations } = costs(buildArchitecture(variant).model);
      expect({ macs, params: parameters, activations }).toEqual({
        macs: variant.macs,
        params: variant.params,
        activations: variant.activations,
      });
      expect(macs).toBeGreaterThanOrEqual(3.8e8);
      expect(macs).toBeLessThanOrEqual(4.2e8);
    }
  });

  test('each space keeps its rules, and not those of the next', () => {
    const lists = (space: SpaceName, key: string): number[][] =>
      sampled(space, 24).map((v) => v.config[key] as number[]);
    const same = (list: readonly number[]): boolean => new Set(list).size === 1;
    const rises = (list: readonly number[]): boolean => list.every((v, i) => v >= (list[i - 1] ?? 0));
    expect(lists('anynet_a', 'bottleneckRatios').every(same)).toBe(false);
    expect(lists('anynet_b', 'bottleneckRatios').every(same)).toBe(true);
    expect(lists('anynet_b', 'groupWidths').every(same)).toBe(false);
    expect(lists('anynet_c', 'widths').every(rises)).toBe(false);
    expect(lists('anynet_d', 'widths').every(rises)).toBe(true);
    expect(lists('anynet_d', 'depths').every(rises)).toBe(false);
    expect(lists('anynet_e', 'depths').every(rises)).toBe(true);
    for (const space of ['regnet_x', 'regnet_y'] as const)
      for (const v of sampled(space, 20)) {
        const { d, w0, wa, wm, groupWidth } = v.config as Record<string, number>;
        expect([d, w0, wa, wm].every((x) => typeof x === 'number')).toBe(true);
        expect(d).toBeGreaterThanOrEqual(12);
        expect(d).toBeLessThanOrEqual(28);
        expect((w0 ?? 1) % 8).toBe(0);
        expect([8, 16, 32, 64, 128]).toContain(groupWidth);
        expect(quantisedStages(v.config as never)).toHaveLength(4);
        expect(v.params).toBeLessThan((3 + 5.5 * 0.42) * 1e6);
        expect(v.activations).toBeLessThan(6.5 * Math.sqrt(0.42) * 1e6);
        expect(v.config['seRatio']).toBe(space === 'regnet_y' ? 0.25 : undefined);
      }
  });

  test('a seed decides everything; another one gives other networks', () => {
    const names = (seed: number): string =>
      JSON.stringify(sampled('anynet_e', 5, [1e8, 1e9], seed).map((v) => v.config));
    expect(names(1)).toBe(names(1));
    expect(names(1)).not.toBe(names(2));
  });

  test('log-uniform draws: equal shares in equal ratios', () => {
    const draws = new Draws(0, 'test');
    const values = Array.from({ length: 20_000 }, () => draws.logUniform(8, 256, 8));
    expect(new Set(values).size).toBe(32);
    // From 4 (= 8 - min(8, 4)) to 256 there are six doublings; to 8 it is one of them, to 32 three.
    const share = (limit: number): number => values.filter((v) => v <= limit).length / values.length;
    for (const [limit, expected] of [
      [8, 1 / 6],
      [32, 3 / 6],
      [128, 5 / 6],
    ] as const)
      expect(Math.abs(share(limit) - expected)).toBeLessThan(4 * Math.sqrt(0.25 / values.length));
  });

  test('a budget that nothing meets is said', () => {
    expect(() => [...sampleSpace({ space: 'anynet_a', n: 1, budget: { macs: [1, 2] } })]).toThrow(
      expect.objectContaining({ code: 'space/budget' }),
    );
  }, 60_000);
});

test('the closed form is what `costs` counts, for any stages', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ width: fc.integer({ min: 1, max: 8 }), depth: fc.integer({ min: 1, max: 2 }) }), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.constantFrom(1, 2, 4),
      fc.constantFrom(undefined, 0.25),
      fc.integer({ min: 33, max: 70 }),
      (raw, ratio, seRatio, imageSize) => {
        const stages = raw.map((s) => ({ width: 8 * s.width, depth: s.depth, groupWidth: 2, bottleneckRatio: ratio }));
        const list = <K extends keyof (typeof stages)[number]>(key: K) => stages.map((s) => s[key]);
        const variant = {
          widths: list('width'),
          depths: list('depth'),
          groupWidths: list('groupWidth'),
          bottleneckRatios: list('bottleneckRatio'),
          ...(seRatio !== undefined && { seRatio }),
          imageSize,
        };
        const [own] = parseOwnCard({ family: 'anynet', variants: { own: variant } }).variants.values();
        if (!own) throw new Error('no variant');
        const built = costs(buildArchitecture(own).model);
        const frame = { stemWidth: 32, seRatio, imageSize, inChannels: 3, numClasses: 1000 };
        expect(networkCosts(stages, frame)).toEqual({
          params: built.parameters,
          macs: built.macs,
          activations: built.activations,
        });
      },
    ),
    { numRuns: 15, seed: 7 },
  );
});

test('the sizes of the spaces are those of the paper', () => {
  // Sec. 3.2: (16 128 3 6)^4 is about 10^18 for A; sharing the ratio and the group divides by 3^3 and 6^3; order by 4! or a little less.
  expect(spaceOf('anynet_a').size).toBe((16 * 128 * 3 * 6) ** 4);
  expect(spaceOf('anynet_b').size).toBe((16 * 128 * 6) ** 4 * 3);
  expect(spaceOf('anynet_c').size).toBe((16 * 128) ** 4 * 18);
  const rising = (n: number): number => {
    let all = 0;
    for (let a = 0; a < n; a++) for (let b = a; b < n; b++) for (let c = b; c < n; c++) all += n - c;
    return all;
  };
  expect(spaceOf('anynet_d').size).toBeCloseTo(16 ** 4 * 18 * rising(128), -6);
  expect(spaceOf('anynet_e').size).toBeCloseTo(18 * rising(128) * rising(16), -4);
});

test('the share of a space under a budget lies in its interval, however it is drawn', () => {
  const many = countSpace('anynet_e', { macs: [3e8, 5e8] }, 0, 10_000);
  const others = countSpace('anynet_e', { macs: [3e8, 5e8] }, 1, 10_000);
  expect(many.share.low).toBeLessThan(others.share.high);
  expect(others.share.low).toBeLessThan(many.share.high);
  expect(countSpace('anynet_e', {}, 0, 100).share.estimate).toBe(1);
});

test.each([
  ['0.38..0.42G', [3.8e8, 4.2e8]],
  ['380M..0.42G', [3.8e8, 4.2e8]],
  ['..3M', [0, 3e6]],
  ['2M..', [2e6, Number.POSITIVE_INFINITY]],
  ['100..200', [100, 200]],
])('range %s', (text, expected) => {
  expect(parseRange(text)).toEqual(expected);
});

test.each(['', '..', '5', 'a..b', '3..1', '1..2X'])('no range: %j', (text) => {
  expect(() => parseRange(text)).toThrow(expect.objectContaining({ code: 'space/budget' }));
});

describe('statistics', () => {
  test("Pearson's r and Fisher's interval: Anscombe's first set", () => {
    // F. J. Anscombe, 1973: r = 0.816; the interval as R's cor.test prints it.
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    const { r, low, high } = pearson(x, y);
    expect(r).toBeCloseTo(0.8164205, 6);
    expect(low).toBeCloseTo(0.4243912, 6);
    expect(high).toBeCloseTo(0.9506933, 6);
  });

  test('the distribution function', () => {
    expect(edf([3, 1, 2, 2])).toEqual([
      [1, 0.25],
      [2, 0.5],
      [2, 0.75],
      [3, 1],
    ]);
  });

  test('nothing on the front is beaten, and everything else is', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }))), (items) => {
        const front = paretoFront(
          items,
          (p) => p[0],
          (p) => p[1],
        );
        const beats = (a: readonly number[], b: readonly number[]): boolean =>
          (a[0] ?? 0) <= (b[0] ?? 0) && (a[1] ?? 0) <= (b[1] ?? 0) && (a[0] !== b[0] || a[1] !== b[1]);
        for (const p of front) expect(items.some((q) => beats(q, p))).toBe(false);
        for (const p of items)
          if (!front.some((q) => q[0] === p[0] && q[1] === p[1])) expect(items.some((q) => beats(q, p))).toBe(true);
      }),
      { seed: 3 },
    );
  });

  test('the linear rule of a RegNet is found again', () => {
    for (const name of ['regnet_x_400mf', 'regnet_y_1_6gf', 'regnet_x_8gf']) {
      const c = findVariant(name).config as { d: number; w0: number; wa: number; wm: number; groupWidth: number };
      const rule = fitLinearRule(quantisedStages({ ...c, bottleneckRatio: 1, groupWidth: 1 }));
      expect(rule.error).toBeLessThan(0.02);
      expect(rule.d).toBe(c.d);
    }
    const zigzag = [64, 256, 32, 512].map((width) => ({ width, depth: 4 }));
    expect(fitLinearRule(zigzag).error).toBeGreaterThan(0.2);
  });
});

describe('the report', () => {
  const reference: Reference = { reference: '<r>&', ms: 10, provider: 'cpu', threads: 1, runs: 5 };
  /** Latency is a power of activations, and nothing of parameters. */
  const rows: readonly Row[] = ['anynet_a', 'anynet_e'].flatMap((space) =>
    sampled(space as SpaceName, 20, [1e8, 1e9]).map((v) => {
      const ms = ((v.activations ?? 0) / 1e6) ** 1.5;
      const [params = 0, macs = 0, activations = 0] = [v.params, v.macs, v.activations];
      const latency = { ms, ratio: ms / 10, low: ms / 11, high: ms / 9 };
      return { name: v.name, space, config: v.config, params, macs, activations, memory: 1, latency };
    }),
  );

  test('finds what was put in', () => {
    const report = spaceReport(reference, rows);
    expect(report.all.activations.r).toBeCloseTo(1, 9);
    expect(report.all.params.r).toBeLessThan(0.95);
    expect(report.spaces.map((s) => [s.space, s.networks])).toEqual([
      ['anynet_a', 20],
      ['anynet_e', 20],
    ]);
    expect(report.findings.find((f) => f.claim.includes('activations'))?.answer).toMatch(/^yes/);
    expect(report.findings.find((f) => f.claim.includes('20 blocks'))?.answer).toMatch(/^not testable here/);
    expect(report.rules).toHaveLength(rows.length);
    const trained = spaceReport(
      reference,
      rows.map((r, i) => ({ ...r, error: 30 + i })),
    );
    expect(trained.spaces[0]?.errorEdf?.[0]).toEqual([30, 1 / 20]);
    expect(trained.findings.find((f) => f.claim.includes('20 blocks'))?.answer).toMatch(/best tenth \(4 networks\)/);
  });

  test('is one page that asks for nothing, and takes names as text', () => {
    const html = spaceReportHtml(spaceReport(reference, rows));
    expect(html).not.toMatch(/https?:\/\/|\bsrc=|<link|@import|url\(/);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toContain('<r>');
    expect(html).toContain('&#60;r&#62;');
  });
});

describe('files', () => {
  const reference = { reference: 'r', ms: 1, provider: 'cpu', threads: 1, runs: 3 };
  const row = { name: 'n', space: 's', config: {}, params: 1, macs: 1, activations: 1, memory: 1 };

  test('measurements are read back', () => {
    const latency = { ms: 1, ratio: 1, low: 1, high: 1 };
    expect(readMeasurements([reference, { ...row, latency }], 'f').rows).toEqual([{ ...row, latency }]);
  });

  test.each([
    [[], /line 1 is not what cnnx space measure writes/],
    [[{ family: 'anynet' }], /line 1/],
    [[reference, row], /line 2/],
    [[reference, { ...row, latency: { ms: Number.NaN } }], /line 2/],
  ])('others are refused: %j', (lines, words) => {
    expect(() => readMeasurements(lines, 'f')).toThrow(expect.objectContaining({ code: 'space/file' }));
    expect(() => readMeasurements(lines, 'f')).toThrow(words);
  });

  test('errors of trained networks', () => {
    expect([...readErrors('name,error\na,30.5\r\n"b", 41\n', 'f')]).toEqual([
      ['a', 30.5],
      ['b', 41],
    ]);
    for (const text of ['a', 'a,b', 'a,101', ',3'])
      expect(() => readErrors(text, 'f')).toThrow(expect.objectContaining({ code: 'space/file' }));
  });
});
