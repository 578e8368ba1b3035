import { describe, expect, test } from 'vitest';
import { everyNode } from '../../src/graph/edit.js';
import { OPS, registry } from '../../src/ops/index.js';
import { allows, bothTypes, type Case, inferred, textOf } from '../support/inferred.js';
import { convolution, pooling, quantized } from './cases/convolution.js';
import { graphs, loose } from './cases/control-flow.js';
import { activation, elementwise, normalization, reduction } from './cases/elementwise.js';
import { microsoft } from './cases/microsoft.js';
import { conversion, dependent, layout, recurrent, shape } from './cases/shape.js';

/* Every operator as onnxruntime computes it: inference, which knows the inputs' types only, must find the types of the outputs. */

const exact: Readonly<Record<string, readonly Case[]>> = {
  activation,
  conversion,
  convolution,
  elementwise,
  layout,
  microsoft,
  normalization,
  pooling,
  quantized,
  recurrent,
  reduction,
  shape,
};

describe.each(Object.entries(exact))('%s', (_, cases) => {
  test.each(cases.map((c) => [`${c[0]}: ${c[2]} of ${c[1]}`, c] as const))('%s', async (_, c) => {
    const both = await bothTypes(textOf(c));
    expect(both.inferred).toEqual(both.computed);
  });
});

test.each(Object.entries(graphs))('%s', async (_, text) => {
  const both = await bothTypes(text);
  expect(both.inferred).toEqual(both.computed);
});

describe('what depends on data', () => {
  const texts = [...dependent.map((c) => [`${c[0]}: ${c[2]}`, textOf(c)] as const), ...Object.entries(loose)];
  test.each(texts)('%s', async (_, text) => {
    const both = await bothTypes(text);
    both.inferred.forEach((type, i) => expect(type).toSatisfy((t: string) => allows(t, both.computed[i] ?? '')));
  });
});

/** Shown in the corpus (test/ops/corpus.test.ts): onnxruntime has no kernel for them. */
const ELSEWHERE = ['BitCast-26', 'CumProd-26', 'Swish-24'];

test('every declared signature has a case', () => {
  const single = [...Object.values(exact).flat(), ...dependent].map(textOf);
  const all = [...single, ...Object.values(graphs), ...Object.values(loose)].map(inferred);
  const shown = new Set(all.flatMap((model) => everyNode(model).map((n) => registry.of(n))));
  const missing = OPS.filter((op) => !shown.has(op)).map((op) => `${op.name}-${op.since[0]}`);
  expect(missing).toEqual(ELSEWHERE);
});
