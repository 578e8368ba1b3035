import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { attrOf } from '../../src/graph/attr.js';
import { cloneModel } from '../../src/graph/clone.js';
import { Editor } from '../../src/graph/edit.js';
import type { Model, Node, Value } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { printGraph } from '../../src/text/print.js';
import { isTensorType } from '../../src/graph/types.js';
import { Add, Concat, Neg, Relu } from '../../src/ops/index.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { brokenInvariants, deadParts } from '../support/invariants.js';

const named = (model: Model, name: string): Value => {
  const value = model.graph.values.get(name);
  if (!value) throw new Error(`${name} is not there`);
  return value;
};

/**
 * A random model: each node reads values made before it; some values are outputs, some nodes hold a graph that captures
 * values.
 */
const models = fc
  .record({
    nodes: fc.array(fc.record({ a: fc.nat(), b: fc.nat(), kind: fc.nat(5) }), { minLength: 1, maxLength: 12 }),
    outputs: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
  })
  .map(({ nodes, outputs }) => {
    const known = ['x', 'w'];
    const lines = nodes.map(({ a, b, kind }, i) => {
      const [p, q] = [known[a % known.length], known[b % known.length]];
      known.push(`v${i}`);
      if (kind === 0) return `v${i} = Add(${p}, c${i}: float32[2] = [1,2])`;
      if (kind === 1)
        return `v${i} = If<then_branch={ t () -> (t${i}) t${i} = Add(${p}, ${q}) }, else_branch={ e () -> (${q}) }>(k${i}: bool[] = [1])`;
      return kind === 2 ? `v${i} = Relu(${p})` : `v${i} = Add(${p}, ${q})`;
    });
    const listed = [...new Set(outputs.map((o) => `v${o % nodes.length}`))];
    return `(x: float32[2], w: float32[2] = [3,4]) -> (${listed.join(', ')})\n${lines.join('\n')}`;
  });

type Step = readonly [kind: number, a: number, b: number];

/** One random edit that its own conditions allow; false when it does not apply. */
function step(edit: Editor, [kind, a, b]: Step): boolean {
  const { graph } = edit.model;
  const nodes = [...graph.nodes()];
  const values = [...graph.values.values()].filter((v) => !isTensorType(v.type) || v.type.dtype === 'float32');
  const node = nodes[a % nodes.length];
  const value = values[b % values.length];
  if (!value) return false;
  if (kind === 0) return edit.add(graph, Relu, { x: value }, {}, { name: `n${a}` }) !== undefined;
  if (!node) return false;
  const position = new Map(nodes.map((n, i) => [n, i]));
  const before = (v: Value): boolean => !v.producer || (position.get(v.producer) ?? 0) < (position.get(node) ?? 0);
  switch (kind) {
    case 1: {
      const from = node.outputs[0];
      if (!from || !before(value) || !edit.canReplaceUses(from, value)) return false;
      edit.replaceUses(from, value);
      return true;
    }
    case 2: {
      const [x, y] = node.inputs;
      if (!node.is(Add) || !x || !y) return false;
      edit.replace(node, Add, { a: y, b: x }, {}, { name: 'swapped' });
      return true;
    }
    case 3:
      if (!before(value) || node.inputs.length === 0) return false;
      edit.setInput(node, a % node.inputs.length, value);
      return true;
    case 4:
      edit.rename(value, edit.freshName('renamed'));
      return true;
    case 5:
      edit.setInitializer(edit.constant(graph, float32Tensor([2], [5, 6]), 'constant'), float32Tensor([2], [7, 8]));
      return true;
    case 6:
      if (node.outputs.some((v) => v && (v.uses.size > 0 || v.outputCount > 0))) return false;
      edit.remove(node);
      return true;
    default:
      edit.setAttr(node, attrOf.int('touched', b));
      return true;
  }
}

const steps = fc.array(fc.tuple(fc.nat(7), fc.nat(), fc.nat()), { maxLength: 25 });

test('uses, producers, order and names hold after every edit', () => {
  fc.assert(
    fc.property(models, steps, (text, list) => {
      const model = parseGraph(text);
      const edit = new Editor(model);
      expect(brokenInvariants(model)).toEqual([]);
      const outputs = model.graph.outputs.length;
      for (const s of list) {
        step(edit, s);
        expect(brokenInvariants(model)).toEqual([]);
      }
      expect(model.graph.outputs).toHaveLength(outputs);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('replacing uses keeps the names of outputs, and leaves nothing dead that was alive', () => {
  fc.assert(
    fc.property(models, fc.array(fc.tuple(fc.constant(1), fc.nat(), fc.nat()), { maxLength: 10 }), (text, list) => {
      const model = parseGraph(text);
      const edit = new Editor(model);
      const names = model.graph.outputs.map((v) => v.name);
      const dead = deadParts(model).length;
      for (const s of list) step(edit, s);
      expect(model.graph.outputs.map((v) => v.name)).toEqual(names);
      expect(deadParts(model).length).toBeLessThanOrEqual(dead);
    }),
    { numRuns: 200, seed: 2 },
  );
});

test('random models print, parse and print the same, and so do their clones', () => {
  fc.assert(
    fc.property(models, steps, (text, list) => {
      const model = parseGraph(text);
      const edit = new Editor(model);
      for (const s of list) step(edit, s);
      const printed = printGraph(model, { data: 'all' });
      expect(printGraph(parseGraph(printed), { data: 'all' })).toBe(printed);
      const clone = cloneModel(model);
      expect(printGraph(clone, { data: 'all' })).toBe(printed);
      expect(brokenInvariants(clone)).toEqual([]);
    }),
    { numRuns: 200, seed: 3 },
  );
});

test('a node that goes takes along what only it needed, graphs inside it included', () => {
  const model = parseGraph(`(x: float32[2]) -> (y)
    a = Add(x, c: float32[2])
    b = If<then_branch={ t () -> (p) p = Relu(a) }, else_branch={ e () -> (a) }>(k: bool[])
    y = Relu(x)`);
  const edit = new Editor(model);
  const b = named(model, 'b').producer;
  if (!b) throw new Error('no producer');
  edit.remove(b);
  expect(printGraph(model)).toBe('(x: float32[2]) -> (y)\n  y = Relu(x)\n');
  expect(brokenInvariants(model)).toEqual([]);
});

test('an attribute with a graph that is taken away releases what that graph used', () => {
  const model = parseGraph(`(x: float32[2]) -> (y) a = Relu(x) y = Odd<g={ g () -> (p) p = Relu(a) }>(x)`);
  const y = named(model, 'y').producer;
  if (!y) throw new Error('no producer');
  new Editor(model).removeAttr(y, 'g');
  expect(printGraph(model)).toBe('(x: float32[2]) -> (y)\n  y = Odd(x)\n');
  expect(brokenInvariants(model)).toEqual([]);
});

test('an output is renamed wherever it is listed', () => {
  const model = parseGraph(`(x: float32[2]) -> (y: float32[2], z) y = Relu(x)
    z = If<then_branch={ t () -> (y) }, else_branch={ e () -> (x) }>(k: bool[])`);
  new Editor(model).rename(named(model, 'y'), 'renamed');
  expect(brokenInvariants(model)).toEqual([]);
  expect(printGraph(model)).toContain('-> (renamed: float32[2], z)');
  expect(() => new Editor(model).rename(named(model, 'x'), 'renamed')).toThrow('a value named renamed exists already');
});

test('an edit inside a graph is heard of as one of the node there', () => {
  const model = parseGraph('(x) -> (z) z = If<then_branch={ t () -> (p) p = Neg(x) }>(x)');
  const branch = model.graph.first;
  const inner = branch?.subgraphs[0]?.first;
  const touched: Node[] = [];
  const edit = new Editor(model, (node) => touched.push(node));
  if (!inner) throw new Error('not found');
  edit.setAttr(inner, attrOf.int('k', 1));
  expect(touched.map((n) => n.opType)).toEqual(['Neg']);
});

test('hubs stay linear: a Concat of 20,000 inputs, one value with 50,000 uses', () => {
  const model = parseGraph(`(x: float32[1], other: float32[1]) -> (y) y = Relu(x)`);
  const edit = new Editor(model);
  const x = named(model, 'x');
  const users = Array.from({ length: 50_000 }, (_, i) =>
    edit.add(model.graph, Relu, { x }, {}, { outputs: [`u${i}`] }),
  );
  const parts = users.slice(0, 20_000).map((u) => u.out.y);
  const concat = edit.add(model.graph, Concat, { xs: parts }, { axis: 0 }, { outputs: ['all'] });
  edit.addOutput(model.graph, named(model, 'all'));
  const start = performance.now();
  edit.replaceUses(x, named(model, 'other'));
  for (const part of parts) {
    const user = part.producer;
    const source = user?.inputs[0];
    if (!user || !source) throw new Error('not found');
    const neg = edit.add(model.graph, Neg, { x: source }, {}, { before: user });
    edit.replaceUses(part, neg.out.y);
  }
  expect((performance.now() - start) / 1000).toBeLessThan(10);
  expect(concat.inputs.every((v) => v?.producer?.opType === 'Neg')).toBe(true);
  expect(concat.inputs).toHaveLength(20_000);
});
