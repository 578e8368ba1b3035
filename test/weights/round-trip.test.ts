import { onnx } from 'onnx-proto';
import { expect, test } from 'vitest';
import { concat, memorySource } from '../../src/base/bytes.js';
import { readCheckpoint } from '../../src/formats/checkpoint.js';
import { modelStateDict } from '../../src/formats/onnx/state-dict.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/index.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js';
import type { StateDict } from '../../src/formats/state-dict.js';
import { Editor } from '../../src/graph/edit.js';
import { Model } from '../../src/graph/ir.js';
import { lazyTensor } from '../../src/tensor/tensor.js';
import { replaceInitializers } from '../../src/weights/index.js';
import { op, tensorOf, torchZip } from '../support/torch-file.js';

/** Storage classes of torch and the bytes of an element. */
const TYPES: readonly (readonly [string, number])[] = [
  ['BFloat16Storage', 2],
  ['BoolStorage', 1],
  ['ByteStorage', 1],
  ['CharStorage', 1],
  ['ComplexFloatStorage', 8],
  ['DoubleStorage', 8],
  ['FloatStorage', 4],
  ['HalfStorage', 2],
  ['IntStorage', 4],
  ['LongStorage', 8],
  ['ShortStorage', 2],
];

/** Bytes that no conversion would keep: for the float types among them signalling NaNs with payloads, infinities, subnormals, minus zero. */
function awkward(type: string, size: number): Uint8Array {
  const words = [0x7f800001, 0xffc12345, 0x7f800000, 0x80000000, 0x00000001, 0x3f800000];
  if (type === 'BoolStorage') return Uint8Array.of(0, 1, 1, 0, 1, 0);
  const out = new Uint8Array(6 * size);
  const view = new DataView(out.buffer);
  for (const [i, word] of words.entries()) {
    if (size === 1) view.setUint8(i, word >>> 24);
    else if (size === 2) view.setUint16(2 * i, type === 'HalfStorage' ? (word >>> 13) | 0x7c00 : word >>> 16, true);
    else if (size === 4) view.setUint32(4 * i, word, true);
    else {
      view.setUint32(8 * i, word, true);
      view.setUint32(8 * i + 4, word | 0x7ff00000, true);
    }
  }
  return out;
}

/** A model whose initializers have the names, types and shapes of a state dict, and other data. */
function modelLike(stateDict: StateDict): Model {
  const model = new Model();
  const editor = new Editor(model);
  editor.setHeader({ irVersion: 8n, opsetImports: [{ domain: '', version: 17n }] });
  for (const [name, t] of stateDict.tensors)
    editor.addInitializer(
      model.graph,
      name,
      lazyTensor(t.dtype, t.shape, () => new Uint8Array(t.byteLength)),
    );
  return model;
}

const withWeights = (stateDict: StateDict): Uint8Array => {
  const model = modelLike(stateDict);
  replaceInitializers(model, stateDict);
  return concat(writeOnnx(model));
};

test('checkpoint to ONNX to safetensors to ONNX: the same bits, for every element type of PyTorch', () => {
  const data = new Map(TYPES.map(([type, size]) => [type, awkward(type, size)]));
  const object = op.dict(TYPES.map(([type]) => [type, tensorOf({ storage: type, type, length: 6, shape: [2, 3] })]));
  const first = withWeights(readCheckpoint(torchZip(object, Object.fromEntries(data))));
  const safetensors = concat(writeSafetensors(modelStateDict(readOnnx(memorySource(first)))));
  const second = withWeights(readSafetensors(memorySource(safetensors)));
  for (const bytes of [first, second]) {
    const found = onnx.ModelProto.decode(bytes).graph?.initializer ?? [];
    expect(found.map((t) => [t.name, Buffer.from(t.rawData ?? []).toString('hex')])).toEqual(
      [...data].map(([name, raw]) => [name, Buffer.from(raw).toString('hex')]),
    );
  }
  expect(Buffer.from(second).equals(Buffer.from(first))).toBe(true);
});
