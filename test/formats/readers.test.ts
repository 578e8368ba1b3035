import { concat, memorySource } from '../../src/base/bytes.js';
import { readNpy, writeNpy } from '../../src/formats/npy.js';
import { readOnnx } from '../../src/formats/onnx/index.js';
import { modelStateDict } from '../../src/formats/onnx/state-dict.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js';
import type { StateDict } from '../../src/formats/state-dict.js';
import { readTorchArchive, readTorchLegacy } from '../../src/formats/torch/index.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { describeReader } from '../support/reader-suite.js';
import { sampleModel } from '../support/sample-model.js';
import { ascii, join, op, tensorOf, torchStateDict } from '../support/torch-file.js';

const all = ({ tensors }: StateDict): void => {
  for (const t of tensors.values()) if (!t.strings) t.bytes();
};

const tensors = {
  w: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
  b: { shape: [2], data: Float32Array.of(5, 6) },
};
const zip = torchStateDict(tensors);
const archive = zip.read(0, zip.size);

/** The older form: five pickles, then the storages. */
const legacy = (): Uint8Array => {
  const pickle = (...parts: Uint8Array[]): Uint8Array => join(op.proto(2), ...parts, op.stop);
  const magic = Uint8Array.of(0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);
  const object = op.dict([['w', tensorOf({ storage: 'one', length: 4, shape: [2, 2] })]]);
  const length = Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0);
  const data = new Uint8Array(tensors.w.data.buffer);
  return join(
    pickle(magic),
    pickle(op.int(1001)),
    pickle(op.dict([['little_endian', ascii('I01\n')]])),
    pickle(object),
    pickle(op.list(op.text('one'))),
    length,
    data,
  );
};

describeReader('PyTorch archives', { sample: archive, read: (source) => all(readTorchArchive(source)) });
describeReader("PyTorch's older files", { sample: legacy(), read: (source) => all(readTorchLegacy(source)) });
describeReader('safetensors', {
  sample: concat(writeSafetensors(readTorchArchive(memorySource(archive)))),
  read: (source) => all(readSafetensors(source)),
});
describeReader('NumPy arrays', {
  sample: concat(writeNpy(float32Tensor([2, 3], [1, 2, 3, 4, 5, 6]))),
  read: (source) => readNpy(source).bytes(),
});
describeReader('ONNX', {
  sample: sampleModel(),
  read: (source) => all(modelStateDict(readOnnx(source))),
  endsAnywhere: 'protobuf has no end mark: a file may end wherever a field does',
});
