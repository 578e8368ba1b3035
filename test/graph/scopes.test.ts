import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { attrOf } from '../../src/graph/attr.js';
import { Editor, everyGraph } from '../../src/graph/edit.js';
import { Graph, type Model, Node, type Value } from '../../src/graph/ir.js';
import { Identity, Relu } from '../../src/ops/index.js';
import { int64Tensor } from '../../src/tensor/tensor.js';
import { parseGraph } from '../../src/text/parse.js';
import { brokenInvariants, shadowedNames } from '../support/invariants.js';

/** x, c, w, t, y outside; then and else have p and q, and inside then is another If with r and s. */
const NESTED = `(x: float32[2], c: bool[]) -> (y)
  w: float32[2]
  t = Relu(x)
  y = If@outer<then_branch={ a () -> (p)
      p = If@inner<then_branch={ b () -> (r) r = Add(t, w) }, else_branch={ d () -> (s) s = Neg(t) }>(c) },
    else_branch={ e () -> (q) q = Mul(t, w) }>(c)`;

const graphWith = (model: Model, name: string): Graph => {
  const found = everyGraph(model).find((g) => g.values.has(name));
  if (!found) throw new Error(`no ${name}`);
  return found;
};
const valueOf = (model: Model, name: string): Value => {
  const value = graphWith(model, name).values.get(name);
  if (!value) throw new Error(`no ${name}`);
  return value;
};
const refused = (work: () => unknown): void =>
  expect(work).toThrow(expect.objectContaining({ code: 'graph/duplicate-name' }));

test('a name of a graph around is refused inside, and one inside is refused around', () => {
  const model = parseGraph(NESTED);
  const edit = new Editor(model);
  const main = model.graph;
  const [then, inner] = [graphWith(model, 'p'), graphWith(model, 'r')];
  for (const outer of ['x', 'c', 'w', 't', 'y', 'p']) {
    refused(() => edit.addInitializer(inner, outer, int64Tensor([], [1])));
    refused(() => edit.rename(valueOf(model, 'r'), outer));
  }
  for (const nested of ['p', 'q', 'r', 's']) {
    refused(() => edit.addInitializer(main, nested, int64Tensor([], [1])));
    refused(() => edit.rename(valueOf(model, 't'), nested));
    refused(() => edit.add(main, Relu, { x: valueOf(model, 'x') }, {}, { outputs: [nested] }));
  }
  refused(() => edit.addInput(then, 's', { kind: 'tensor', dtype: 'float32' }));
  expect(() => edit.addInput(then, 's', { kind: 'tensor', dtype: 'float32' })).toThrow('in a graph inside');
  expect(() => edit.addInput(inner, 'w', { kind: 'tensor', dtype: 'float32' })).toThrow('in a graph around');
  expect(brokenInvariants(model)).toEqual([]);
});

test('graphs beside each other may share names', () => {
  const model = parseGraph(NESTED);
  const edit = new Editor(model);
  edit.rename(valueOf(model, 'q'), 'r');
  edit.rename(valueOf(model, 's'), 'u');
  expect(edit.isFree(graphWith(model, 'u'), 'r')).toBe(true);
  expect(shadowedNames(model)).toEqual([]);
});

test('a name is free again when its value, or the graph around it, is gone', () => {
  const model = parseGraph(NESTED);
  const edit = new Editor(model);
  expect(edit.isFree(model.graph, 'r')).toBe(false);
  edit.rename(valueOf(model, 'r'), 'r2');
  expect(edit.isFree(model.graph, 'r')).toBe(true);
  expect(edit.isFree(model.graph, 'r2')).toBe(false);
  const p = valueOf(model, 'p');
  const copy = edit.add(p.graph, Identity, { x: valueOf(model, 't') }).out.y;
  edit.replaceUses(p, copy);
  expect(p.producer).toBeUndefined();
  for (const name of ['r2', 's']) expect(edit.isFree(model.graph, name)).toBe(true);
});

test('the names of a graph that comes with an attribute count', () => {
  const model = parseGraph(NESTED);
  const edit = new Editor(model);
  expect(edit.isFree(model.graph, 'n')).toBe(true);
  const [outer] = [...model.graph.nodes()].filter((n) => n.name === 'outer');
  if (!(outer instanceof Node)) throw new Error('no If');
  const graph = new Graph(outer);
  const made = edit.add(graph, Relu, { x: valueOf(model, 't') }, {}, { outputs: ['n'] }).out.y;
  edit.addOutput(graph, made);
  edit.setAttr(outer, attrOf.graph('else_branch', graph));
  expect(edit.isFree(model.graph, 'n')).toBe(false);
  expect(edit.isFree(model.graph, 'q')).toBe(true);
});

test('fresh names look into all graphs, and at what other editors named', () => {
  const model = parseGraph(NESTED);
  const [edit, other] = [new Editor(model), new Editor(model)];
  expect(edit.freshName('r')).toBe('r_1');
  edit.freshName('z');
  other.addInitializer(graphWith(model, 'r'), 'v', int64Tensor([], [1]));
  expect(edit.freshName('v')).toBe('v_1');
});

test('whatever is edited, what is free is what a search finds, and nothing is shadowed', () => {
  const step = fc.record({ op: fc.nat(3), graph: fc.nat(9), value: fc.nat(40), name: fc.nat(14) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      const model = parseGraph(NESTED);
      const edit = new Editor(model);
      for (const { op, graph: g, value: v, name: n } of steps) {
        const graphs = everyGraph(model);
        const graph = graphs[g % graphs.length] ?? model.graph;
        const values = [...graph.values.values()];
        const value = values[v % values.length];
        const name = `n${n}`;
        const free = !named(model, graph, name);
        expect(edit.isFree(graph, name)).toBe(free);
        if (op === 0 && free) edit.addInitializer(graph, name, int64Tensor([], [n]));
        if (op === 1 && free && value) edit.rename(value, name);
        if (op === 2 && value && value.uses.size + value.outputCount === 0 && value.initializer)
          edit.removeUnused(value);
        // A branch goes, with all that is inside it.
        const [x] = model.graph.inputs;
        if (op === 3 && value?.producer?.opType === 'If' && n === 0 && x)
          edit.replaceUses(value, edit.add(graph, Identity, { x }).out.y);
        expect(shadowedNames(model)).toEqual([]);
      }
    }),
    { seed: 15, numRuns: 200 },
  );
});

/** Whether a graph, one around it or one inside it has a value of that name. */
function named(model: Model, graph: Graph, name: string): boolean {
  const isAround = (outer: Graph, inner: Graph): boolean => {
    for (let g: Graph | undefined = inner; g; g = g.parent) if (g === outer) return true;
    return false;
  };
  return everyGraph(model).some((g) => g.values.has(name) && (isAround(g, graph) || isAround(graph, g)));
}
