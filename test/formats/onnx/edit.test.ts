import { readFileSync } from 'node:fs';
import { onnx } from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { Editor, everyGraph, everyNode } from '../../../src/graph/edit.js';
import type { Model } from '../../../src/graph/ir.js';
import { float32Tensor } from '../../../src/tensor/tensor.js';
import { sampleModel } from '../../support/sample-model.js';
import { corpus, describeShared } from '../../support/shared.js';
import { disguise, parseWire, printWire, random, type WireField } from '../../support/wire.js';

/** The bytes of every message in a file, but for those around the named one: by type, in order. */
function messages(fields: readonly WireField[], types: ReadonlySet<string>): string[] {
  return fields.flatMap((f) => {
    if (!f.children || !f.type || !(f.value instanceof Uint8Array)) return [];
    const inner = messages(f.children, types);
    return types.has(f.type) ? [Buffer.from(f.value).toString('latin1'), ...inner] : inner;
  });
}

/** A file whose every message is in another form than cnnx would write. */
const odd = (bytes: Uint8Array, seed: number): Uint8Array => {
  const pick = random(seed);
  const ways = { reorder: true, repack: true, duplicate: true, unknown: true };
  return printWire(disguise(parseWire(bytes), pick, ways).disguised, (longest) => pick(Math.min(3, longest)));
};

/** How many of `before` are not among `after`, each counted as often as it is there. */
function missing(before: readonly string[], after: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const m of after) left.set(m, (left.get(m) ?? 0) + 1);
  return before.filter((m) => {
    const count = left.get(m) ?? 0;
    left.set(m, count - 1);
    return count <= 0;
  });
}

const LEAVES = new Set([
  'Tensor',
  'Info',
  'Opset',
  'Annotation',
  'Sparse',
  'Attribute',
  'Node',
  'Function',
  'Training',
]);

/** Edits a model, and gives the messages of the file that are not in the new one. */
function lostBy(bytes: Uint8Array, edit: (editor: Editor, model: Model) => void): string[] {
  const model = readOnnx(bytes);
  const editor = new Editor(model);
  edit(editor, model);
  const written = concat(writeOnnx(model));
  expect(Buffer.compare(written, bytes)).not.toBe(0);
  return missing(messages(parseWire(bytes), LEAVES), messages(parseWire(written), LEAVES));
}

describe('after an edit, in a file of unusual encoding', () => {
  // Groups are not in the test's own reader, so no unknown fields that may be groups: seeds whose files it reads.
  const files = [1, 2, 3].map((seed) => odd(sampleModel(), seed));

  test.each(files)('the header: nothing else is written anew (%#)', (bytes) => {
    expect(lostBy(bytes, (editor) => editor.setHeader({ producerName: 'edited' }))).toEqual([]);
  });

  test.each(files)('one node: only that node, and the attributes that it had (%#)', (bytes) => {
    const lost = lostBy(bytes, (editor, model) => {
      const node = everyNode(model).find((n) => n.opType === 'Clip');
      if (!node) throw new Error('the sample has a Clip');
      editor.setInput(node, 2, undefined);
    });
    // The node, and the initializer `limit` that only it used.
    expect(lost).toHaveLength(2);
  });

  test.each(files)('an initializer: only that tensor (%#)', (bytes) => {
    const lost = lostBy(bytes, (editor, model) => {
      const value = model.graph.values.get('large');
      if (!value) throw new Error('the sample has an initializer large');
      editor.setInitializer(value, float32Tensor([2], [1, 2]));
    });
    expect(lost).toHaveLength(1);
  });

  test.each(files)('a node in a subgraph: that node, and the nodes and attributes around it (%#)', (bytes) => {
    const lost = lostBy(bytes, (editor, model) => {
      const node = everyNode(model).find((n) => n.opType === 'Mul');
      if (!node) throw new Error('the sample has a Mul in an else branch');
      editor.removeAttr(node, 'none');
    });
    // The Mul, the attribute else_branch, the If.
    expect(lost).toHaveLength(3);
  });
});

describeShared('in models of the corpus', () => {
  test('an edit of the header writes no node, tensor or declaration anew', () => {
    for (const { path } of corpus().filter((_, i) => i % 7 === 0)) {
      const bytes = odd(readFileSync(path), 5);
      expect(lostBy(bytes, (editor) => editor.setHeader({ producerName: 'edited by a test' }))).toEqual([]);
    }
  });
});

/** What onnx-proto finds in a file, as text. */
const seen = (bytes: Uint8Array): string =>
  JSON.stringify(onnx.ModelProto.toObject(onnx.ModelProto.decode(new Uint8Array(bytes))));

test('what an independent reader finds after an edit is the edited model', () => {
  const model = readOnnx(sampleModel());
  const editor = new Editor(model);
  const value = model.graph.values.get('shared');
  if (!value) throw new Error('the sample has a value named shared');
  editor.rename(value, 'renamed');
  const found = seen(concat(writeOnnx(model)));
  const text = seen(sampleModel());
  const annotation = JSON.stringify({ tensorName: 'shared' }).slice(1, -1);
  const training = /"trainingInfo".*?"updateBinding"/s;
  // The annotation and the training graph are carried as they are: they are not parts of the IR.
  const expected = text
    .replaceAll('"shared"', '"renamed"')
    .replace(annotation.replace('shared', 'renamed'), annotation)
    .replace(training, training.exec(text)?.[0] ?? '');
  expect(JSON.parse(found)).toEqual(JSON.parse(expected));
});

test('a declaration keeps its denotations and its text when its type or its name changes', () => {
  const model = readOnnx(sampleModel());
  const editor = new Editor(model);
  const x = model.graph.values.get('x');
  if (!x) throw new Error('the sample has an input x');
  editor.declare(model.graph, x, { kind: 'tensor', dtype: 'float32', shape: [8, 3] });
  editor.rename(x, 'image');
  const { graph } = onnx.ModelProto.decode(concat(writeOnnx(model, { reencode: true })));
  const before = onnx.ModelProto.decode(sampleModel()).graph?.input?.[0];
  const dims = [8, 3].map((size) => ({ dimValue: String(size), denotation: 'SIZE' }));
  expect(JSON.parse(JSON.stringify(graph?.input?.[0]))).toEqual(
    JSON.parse(
      JSON.stringify({
        ...before,
        name: 'image',
        type: { denotation: 'TENSOR', tensorType: { elemType: 1, shape: { dim: dims } } },
      }),
    ),
  );
});

test('values, uses and captures of a graph with subgraphs', () => {
  const model = readOnnx(sampleModel());
  const shared = model.graph.values.get('shared');
  const bias = model.graph.values.get('bias');
  expect(shared?.producer?.opType).toBe('Relu');
  // Captured by then, else and the two graphs of the attribute `graphs`.
  expect([...(shared?.uses.keys() ?? [])].map((n) => n.opType)).toEqual(['Add', 'Mul', 'Add', 'Sub']);
  // Shadowed in each of them.
  expect(bias?.uses.size).toBe(0);
  expect(bias?.isInput).toBe(true);
  const names = everyGraph(model).map((g) => g.name);
  expect(new Set(names)).toEqual(new Set(['else', 'g0', 'g1', 'main', 'then', undefined]));
  expect(names).toHaveLength(6);
});
