import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concat, Editor, Model, ops, tensorType, writeOnnx } from '../src/index.js';

/** A model of `nodes` small nodes in a chain with skips: what reading and checking graphs costs, without weights. */
export function writeLongGraph(folder: string, nodes: number): string {
  const model = new Model();
  const edit = new Editor(model);
  edit.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
  let x = edit.addInput(model.graph, 'x', tensorType('float32', [1, 8]));
  let before = x;
  for (let i = 0; i < nodes; i += 2) {
    const y = edit.add(model.graph, ops.Relu, { x }, {}, { outputs: [`r${i}`] }).out.y;
    const z = edit.add(model.graph, ops.Add, { a: y, b: before }, {}, { outputs: [`a${i}`] }).out.y;
    before = x;
    x = z;
  }
  edit.addOutput(model.graph, x);
  const path = join(folder, `nodes-${nodes}.onnx`);
  writeFileSync(path, concat(writeOnnx(model)));
  return path;
}
