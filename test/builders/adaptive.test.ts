import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { findVariant } from '../../src/builders/cards.js';
import { Network } from '../../src/builders/network.js';
import { Ops } from '../../src/builders/ops.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { Editor } from '../../src/graph/edit.js';
import { Model } from '../../src/graph/ir.js';
import { tensorType } from '../../src/graph/types.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { asFloat64, float32Tensor } from '../../src/tensor/tensor.js';

/** Rows and columns before and after, the operators it takes, and the sum of k times the k-th output of torch 1.13 for x[i] = i^2 mod 37. */
const CASES: [number, number, number, number, string, number][] = [
  [1, 1, 7, 7, 'Gather Gather', 3626],
  [2, 3, 7, 7, 'MatMul MatMul', 83_797],
  [3, 1, 6, 6, 'Gather Gather', 36_690],
  [14, 14, 4, 4, 'Gather Gather AveragePool', 9702.25],
  [5, 7, 3, 2, 'MatMul MatMul', 1497.583333],
  [4, 6, 4, 12, 'Gather Gather', 80_151],
  [4, 6, 4, 6, '', 20_245],
];

test.each(CASES)(
  'adaptive average pooling from %i x %i to %i x %i',
  async (h, w, rows, columns, operators, expected) => {
    const model = new Model();
    const editor = new Editor(model);
    editor.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
    const x = editor.addInput(model.graph, 'x', tensorType('float32', [1, 2, h, w]));
    const net = new Network(editor, model.graph, findVariant('vgg11').init, () => {}, {});
    const y = new Ops(net, '').adaptiveAvgPool(x, [rows, columns]);
    expect([...model.graph.nodes()].map((n) => n.opType).join(' ')).toBe(operators);
    editor.addOutput(model.graph, y);
    const session = await createSession(concat(writeOnnx(model)), { threads: 1 });
    const numbers = Array.from({ length: 2 * h * w }, (_, i) => (i * i) % 37);
    const [out] = (await session.run(new Map([['x', float32Tensor([1, 2, h, w], numbers)]]))).values();
    await session.release();
    expect(out?.shape).toEqual([1, 2, rows, columns]);
    const sum = out ? asFloat64(out).reduce((s, v, k) => s + v * (k + 1), 0) : Number.NaN;
    expect(Math.abs(sum - expected) / expected).toBeLessThan(1e-6);
  },
);
