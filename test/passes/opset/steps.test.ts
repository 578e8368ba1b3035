import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CnnxError } from '../../../src/base/errors.js';
import { checkModel } from '../../../src/graph/check.js';
import { inferShapes } from '../../../src/graph/infer.js';
import { registry } from '../../../src/ops/index.js';
import { convertOpset } from '../../../src/passes/opset/convert.js';
import { UNDECLARED } from '../../../src/passes/opset/undeclared.js';
import { OPSET_CHANGES } from '../../../src/passes/opset/index.js';
import { parseGraph } from '../../../src/text/parse.js';
import { printGraph } from '../../../src/text/print.js';
import { expectSameOutputs, parsed, TOL } from '../../support/rules.js';
import { CASES } from './cases.js';
import { REFUSED } from './refusals.js';

/* Every step of the table, in onnxruntime: from the first opset to the second, and back. */

const at = (opset: number, text: string): string => `<ir: 8, opset: ["": ${opset}]> ${text}`;
const applied = new Set<string>();

test.each(CASES.map((c) => [`${c[0]}: ${c[1]} to ${c[2]}, and back`, c] as const))('%s', async (_, c) => {
  const [, from, to, text, tol = TOL.exact] = c;
  const before = parsed(at(from, text));
  const there = convertOpset(before, to);
  const back = convertOpset(there.model, from);
  for (const step of [...there.applied.keys(), ...back.applied.keys()]) applied.add(step.split(':')[0] ?? '');
  expect([there.model.opset(''), back.model.opset('')]).toEqual([to, from]);
  for (const { model } of [there, back]) {
    expect(checkModel(model, registry).map((p) => p.message)).toEqual([]);
    expect(inferShapes(model, registry).map((p) => p.message)).toEqual([]);
    await expectSameOutputs(before, model, tol);
  }
  expect(printGraph(before)).toBe(printGraph(parsed(at(from, text))));
});

test.each(REFUSED)('%s: %i to %i is refused', (_, from, to, text, why) => {
  const model = parseGraph(at(from, text));
  const before = printGraph(model);
  const convert = (): unknown => convertOpset(model, to);
  expect(convert).toThrow(CnnxError);
  expect(convert).toThrow(why);
  expect(printGraph(model)).toBe(before);
});

/** onnxruntime has no kernel for it: the text says what was written in its place. */
test('Swish is written out', () => {
  const { model, applied: steps } = convertOpset(
    parsed(at(24, '(x: float32[2]) -> (y)\n t = Swish<alpha=2.0>(x)\n y = Swish(t)')),
    23,
  );
  for (const step of steps.keys()) applied.add(step.split(':')[0] ?? '');
  expect(printGraph(model, { types: 'none' })).toMatchSnapshot();
});

describe('the table', () => {
  test('has one row for a version of an operator', () => {
    const rows = OPSET_CHANGES.map((c) => `${c.op} ${c.version}`);
    expect(rows.filter((r, i) => rows.indexOf(r) !== i)).toEqual([]);
  });

  test('is what docs/opsets.md lists', () => {
    const text = readFileSync(new URL('../../../docs/opsets.md', import.meta.url), 'utf8');
    const listed = [...text.matchAll(/^\| `(\w+)` +\| +(\d+) \| (.*?) +\|$/gm)].map(
      ([, op, v, what]) => `${op} ${v} ${what}`,
    );
    expect(listed.toSorted()).toEqual(OPSET_CHANGES.map((c) => `${c.op} ${c.version} ${c.changes}`).toSorted());
  });

  test('calls undeclared what is not declared', () => {
    const declared = new Set(registry.all.filter((op) => op.domain === '').map((op) => op.name));
    expect([...UNDECLARED.keys()].filter((name) => declared.has(name))).toEqual([]);
  });

  test('names versions that the operators have', () => {
    for (const { op, version } of OPSET_CHANGES) {
      const now = registry.at('', op, version);
      const then = registry.at('', op, version - 1);
      if (now ?? then) expect(now?.since.includes(version) ?? then?.until === version, `${op} ${version}`).toBe(true);
    }
  });

  test('is walked, row by row, by the cases above', () => {
    const shown = new Set([...applied, ...REFUSED.map(([step]) => step)]);
    const missing = OPSET_CHANGES.map((c) => `${c.op} ${c.version}`).filter((row) => !shown.has(row));
    expect(missing).toEqual([]);
  });
});
