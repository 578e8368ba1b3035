import { expect, test } from 'vitest';
import { printGraph } from '../../../src/text/print.js';
import { castChain } from '../../../src/passes/rules/cast-chain.js';
import { expectSameOutputs, runRule, TOL } from '../../support/rules.js';

const f = (body: string, x = 'x: float32[2,4,6,6]'): string => `(${x}) -> (y)\n ${body}`;

test.each([
  ['to a wider type and back', f('a = Cast<to=11>(x)\n b = Cast<to=1>(a)\n y = Neg(b)')],
  ['over a wider type to another', f('i = Cast<to=6>(x)\n a = Cast<to=7>(i)\n y = Cast<to=11>(a)')],
  ['of halves', f('a = Cast<to=1>(x)\n b = Cast<to=10>(a)\n y = Neg(b)', 'x: float16[3,4]')],
])('%s', async (_, text) => {
  const { before, after, report } = runRule(castChain, text, { seed: 1 });
  expect(printGraph(after, { types: 'none' })).toMatchSnapshot();
  expect(report.applied).toBeGreaterThan(0);
  await expectSameOutputs(before, after, TOL.exact);
});

test.each([
  ['not-a-chain', f('a = Cast<to=11>(x)\n y = Neg(a)')],
  ['cast-narrows', f('a = Cast<to=10>(x)\n b = Cast<to=1>(a)\n y = Neg(b)')],
  ['cast-narrows', f('i = Cast<to=6>(x)\n a = Cast<to=1>(i)\n y = Cast<to=6>(a)')],
  ['renames-boundary', f('a = Cast<to=11>(x)\n y = Cast<to=1>(a)')],
])('leaves it alone: %s', (why, text) => {
  const { report } = runRule(castChain, text);
  expect(report.applied).toBe(0);
  expect(Object.keys(report.skipped)).toContain(why);
});
