import { expect, test } from 'vitest';
import { everyNode } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { fuse } from '../../src/passes/fuse.js';
import { brokenInvariants } from '../support/invariants.js';
import { expectSameOutputs, parsed, TOL } from '../support/rules.js';
import { evaluateHere } from '../support/reparam.js';

const bytes = (model: Model): number =>
  Array.from(model.graph.initializers).reduce((sum, v) => sum + (v.initializer?.byteLength ?? 0), 0);

const ops = (model: Model): string[] => everyNode(model).map((n) => n.opType);

/** Channels padded with zeros, as in BlazeFace: a Concat with a ConstantOfShape. */
const zeros = `(x: float32[1,8,16,16]) -> (y)
  c = Conv<pads=[1,1,1,1]>(x, w: float32[8,8,3,3])
  z = ConstantOfShape(s: int64[4] = [1,8,16,16])
  k = Add(z, one: float32[1] = [1])
  y = Concat<axis=1>(c, k)`;

/** A kernel that does nothing, made as a number on the diagonal. */
const eye = `(x: float32[1,32,8,8]) -> (y)
  z = ConstantOfShape(s: int64[2] = [32,32])
  e = EyeLike(z)
  w = Unsqueeze(e, a: int64[2] = [2,3])
  c = Conv(x, w)
  d = Conv(x, v: float32[32,32,1,1])
  t = Add(c, d)
  y = Relu(t)`;

test('constants that make the model larger are computed at run time, unless speed counts for more', async () => {
  const [before, after, fast] = [parsed(zeros), parsed(zeros), parsed(zeros)];
  await fuse(after, { evaluate: evaluateHere });
  expect(bytes(after)).toBeLessThanOrEqual(bytes(before));
  expect(ops(after)).toEqual(['ConstantOfShape', 'Add', 'Conv', 'Concat']);
  expect(Array.from(after.graph.nodes(), (n) => n.outputs[0]?.name)).toEqual(['z', 'k', 'c', 'y']);
  expect(brokenInvariants(after)).toEqual([]);
  await expectSameOutputs(before, after, TOL.exact);

  const report = await fuse(fast, { evaluate: evaluateHere, prefer: 'speed' });
  expect(ops(fast)).toEqual(['Conv', 'Concat']);
  expect(report.applied.get('fold-constants')).toBe(1);
  await expectSameOutputs(before, fast, TOL.exact);
});

test('those that become part of a merged weight are computed', async () => {
  const [before, after] = [parsed(eye), parsed(eye)];
  await fuse(after, { evaluate: evaluateHere });
  expect(ops(after)).toEqual(['Conv', 'Relu']);
  await expectSameOutputs(before, after, TOL.float32);
});

test('small ones are kept', async () => {
  const after = parsed(zeros.replaceAll('[1,8,16,16]', '[1,8,5,5]'));
  await fuse(after, { evaluate: evaluateHere });
  expect(ops(after)).toEqual(['Conv', 'Concat']);
});
