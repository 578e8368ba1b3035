import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CnnxError } from '../../../src/base/errors.js';
import { checkModel } from '../../../src/graph/check.js';
import { registry } from '../../../src/ops/index.js';
import { convertOpset } from '../../../src/passes/opset/convert.js';
import { HIGHEST_CONVERTED_OPSET, LOWEST_CONVERTED_OPSET } from '../../../src/passes/opset/versions.js';
import { parseGraph } from '../../../src/text/parse.js';
import { drawFeeds, runInOrt } from '../../support/equivalence.js';
import { program, textOf } from '../../support/fuzz/program.js';
import { brokenInvariants } from '../../support/invariants.js';
import type { Nd } from '../../support/naive/nd.js';
import { isFull } from '../../support/shared.js';

const RUNS = Number(process.env.CNNX_FUZZ_RUNS ?? (isFull ? 5000 : 60));

const opset = fc.integer({ min: LOWEST_CONVERTED_OPSET, max: HIGHEST_CONVERTED_OPSET });

/** Undefined where the conversion is refused, in words. */
function converted(model: ReturnType<typeof parseGraph>, to: number): ReturnType<typeof parseGraph> | undefined {
  try {
    return convertOpset(model, to).model;
  } catch (error) {
    if (error instanceof CnnxError && error.code === 'opset/refused') return undefined;
    throw error;
  }
}

/** Operators that are written out round otherwise; the rest gives the same numbers. */
const CLOSE = 2e-6;

type Outputs = ReadonlyMap<string, Nd>;

function expectEqual(a: Outputs, b: Outputs): void {
  expect([...b.keys()]).toEqual([...a.keys()]);
  for (const [name, x] of a) {
    const y = b.get(name);
    expect(y?.shape, name).toEqual(x.shape);
    const scale = x.data.reduce((m, n) => (Number.isFinite(n) ? Math.max(m, Math.abs(n)) : m), 0);
    const off = x.data.findIndex((n, i) => {
      const m = y?.data[i] ?? 0;
      return !(Object.is(n, m) || Math.abs(n - m) <= CLOSE * scale);
    });
    expect(off, `${name}[${off}]: ${x.data[off]} and ${y?.data[off]}`).toBe(-1);
  }
}

test(`${RUNS} random graphs give the same outputs in another opset, and back`, { timeout: 7_200_000 }, async () => {
  let [there, back] = [0, 0];
  const property = fc.asyncProperty(program.map(textOf), opset, async (text, to) => {
    // onnxruntime has no Conv in float64, and refuses nodes that break a rule of their operator.
    if (text.includes('x: float64') || text.includes(' odd')) return;
    const before = parseGraph(text);
    const from = before.opset('') ?? 0;
    const feeds = drawFeeds(before);
    const other = converted(before, to);
    if (!other) return;
    expect(checkModel(other, registry).filter((problem) => problem.severity === 'error')).toEqual([]);
    expect(brokenInvariants(other)).toEqual([]);
    const expected = await runInOrt(before, feeds).catch(() => undefined);
    if (!expected) return;
    expectEqual(expected, await runInOrt(other, feeds));
    there += 1;
    const again = converted(other, from);
    if (!again) return;
    expectEqual(expected, await runInOrt(again, feeds));
    back += 1;
  });
  await fc.assert(property, { numRuns: RUNS, seed: 20 });
  if (isFull) process.stderr.write(`${there} there, ${back} and back\n`);
  expect(there).toBeGreaterThan(RUNS / 2);
});
