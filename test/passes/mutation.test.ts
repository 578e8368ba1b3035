import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { Lift } from '../../src/passes/affine/lift.js';
import { LIFTS } from '../../src/passes/affine/lifts/index.js';
import { bn, expectMerge, graph } from '../support/lifts.js';

/*
 * Faults put into the fold of a BatchNorm: each lift's source with one term dropped, in a copy outside of the tree that imports all else from it. The
 * checks of the lifts' own tests have to fail for each, and to pass for the copy without a fault.
 */

const folder = fileURLToPath(new URL('../../src/passes/affine/lifts/', import.meta.url));
const copies = mkdtempSync(join(tmpdir(), 'cnnx-mutants-'));
let count = 0;
afterAll(() => rmSync(copies, { recursive: true, force: true }));

/** The lifts, that of `file` from its source with `from` replaced. */
async function mutated(file: string, from: string, to: string): Promise<readonly Lift[]> {
  const source = readFileSync(join(folder, `${file}.ts`), 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file}.ts has to have this once: ${from}`);
  const path = join(copies, `${file}-${(count += 1)}.ts`);
  const absolute = (_: string, module: string): string =>
    `from '${resolve(dirname(join(folder, file)), module).replace(/\.js$/, '.ts')}'`;
  writeFileSync(path, source.replace(from, to).replace(/from '(\.[^']*)'/g, absolute));
  const exports = (await import(path)) as Readonly<Record<string, unknown>>;
  const lifts = Object.values(exports).filter((x): x is Lift => typeof x === 'object' && x !== null && 'roots' in x);
  return LIFTS.map((l) => lifts.find((m) => m.name === l.name) ?? l);
}

const folded = (): Parameters<typeof expectMerge> => [
  graph('x: float32[n,4,9,9]', 'y', 'c = Conv<pads=[1,1,1,1]>(x, w: float32[4,4,3,3], d: float32[4])', bn('y', 'c', 4)),
  { Conv: 1 },
];

describe('a BatchNorm folded into a convolution', () => {
  test.each([
    ['gamma', 'batch-norm', 'map((g, c) => g / Math.sqrt(', 'map((_, c) => 1 / Math.sqrt('],
    ['beta', 'batch-norm', 'beta.values.map((b, c) => b - ', 'beta.values.map((_, c) => - '],
    ['mean', 'batch-norm', 'mean.values.map((m, c) => m * ', 'mean.values.map((_, c) => 0 * '],
    ['variance', 'batch-norm', 'Math.sqrt((variance.values[c] ?? 0) + bn.epsilon)', 'Math.sqrt(bn.epsilon + 0 * c)'],
    [
      'epsilon',
      'batch-norm',
      'Math.sqrt((variance.values[c] ?? 0) + bn.epsilon)',
      'Math.sqrt(variance.values[c] ?? 0)',
    ],
    [
      "the convolution's bias",
      'conv',
      'return isSkip(bias) ? bias : { weight, bias: bias.values, type }',
      'return { weight, bias: undefined, type }',
    ],
  ])('without %s the checks fail', async (_, file, from, to) => {
    const [text, ops] = folded();
    await expect(expectMerge(text, ops, undefined, await mutated(file, from, to))).rejects.toThrow(
      /to be less than or equal to 1/,
    );
  });

  test.each([
    ['batch-norm', 'liftBatchNorm ='],
    ['conv', 'liftConv ='],
  ])('a copy of %s without a fault passes', async (file, name) => {
    const [text, ops] = folded();
    await expectMerge(text, ops, undefined, await mutated(file, name, name));
  });
});
