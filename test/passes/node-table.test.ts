import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Editor, Model, ops, tensorType, type Value } from '../../src/index.js';
import { numberNodes } from '../../src/graph/order.js';
import { NodeTable } from '../../src/passes/node-table.js';

/** Operators and the values that they read, by how far back those were made. */
const steps = fc.array(fc.tuple(fc.constantFrom(ops.Add, ops.Mul, ops.Sub), fc.nat(4), fc.nat(4)), { maxLength: 60 });

test('the first node like another is the one that comparing every pair finds', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const model = new Model();
      const edit = new Editor(model);
      edit.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
      const values: Value[] = ['x', 'y'].map((name) => edit.addInput(model.graph, name, tensorType('float32', [2])));
      const back = (by: number): Value => values.at(-1 - by) ?? values[0]!;
      for (const [op, a, b] of list) values.push(edit.add(model.graph, op, { a: back(a), b: back(b) }).out.y);
      numberNodes(model.graph);
      // What stands at an odd place is taken to be the value before it: values that mean others are looked through.
      const meant = (value: Value): Value => values[values.indexOf(value) & ~1] ?? value;
      const table = new NodeTable(meant, (node) => node.opType);
      const nodes = [...model.graph.nodes()];
      for (const node of nodes) {
        const like = nodes.find(
          (n) => n.opType === node.opType && n.inputs.every((v, i) => v && meant(v) === meant(node.inputs[i] ?? v)),
        );
        expect(table.firstLike(node)).toBe(like === node ? undefined : like);
      }
    }),
  );
});
