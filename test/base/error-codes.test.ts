import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ByteRange, concat, memorySource } from '../../src/base/bytes.js';
import { CnnxError, ERRORS, type ErrorCode, type Where } from '../../src/base/errors.js';
import { LIMITS } from '../../src/base/limits.js';
import { goldenVarScale } from '../../src/builders/golden.js';
import { limitOption } from '../../src/cli/options.js';
import { exportOnnx } from '../../src/export/onnx.js';
import { readOnnx, tensorFromProto, writeOnnx } from '../../src/formats/onnx/index.js';
import { readTorchLegacy } from '../../src/formats/torch/index.js';
import { Editor } from '../../src/graph/edit.js';
import { joinTypes } from '../../src/graph/infer-node.js';
import { tensorType } from '../../src/graph/types.js';
import { parseGraph } from '../../src/text/parse.js';
import { readIdx } from '../../src/formats/idx.js';
import { readRecords } from '../../src/node/files/records.js';
import { classIndices } from '../../src/running/class-indices.js';
import type { Samples } from '../../src/running/samples.js';
import { imagesIn } from '../../src/passes/images-in.js';
import { convertOpset } from '../../src/passes/opset/convert.js';
import { cutModel } from '../../src/passes/surgery/cut.js';
import { imageInput } from '../../src/running/image-inputs.js';
import { imagenetSteps } from '../../src/tensor/preprocess.js';
import { openDataset } from '../../src/node/files/dataset.js';
import { FileSource, openSource } from '../../src/node/files/file-source.js';
import { readImage } from '../../src/node/files/image-file.js';
import { ioError } from '../../src/node/files/io-error.js';
import { readJson } from '../../src/node/files/json-file.js';
import { readLabels } from '../../src/node/files/labels.js';
import { toOrt } from '../../src/node/onnxruntime/ort-tensor.js';
import { parseTarget } from '../../src/tasks/quantize-targets.js';
import { lazyTensor, tensor } from '../../src/tensor/tensor.js';
import { join as bytes, op, tensorOf } from '../support/torch-file.js';
import { sources } from '../support/reasons.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-errors-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

interface Row {
  readonly code: ErrorCode;
  readonly provoke: () => unknown;
  /** What was found and what was expected, with the numbers. */
  readonly message: RegExp;
  readonly at?: Where;
  readonly hint?: RegExp;
}

/** A data set of which only the names of its classes are known. */
const samplesOf = (classes: readonly string[]): Samples => ({
  count: 1,
  description: 'data',
  classes,
  name: () => 'x.png',
  label: () => classes[0],
  read: () => Promise.reject(new Error('not read')),
});

const TINY = '(x: float32[2,3]) -> (y)\n y = Relu(x)';
const tiny = (): ReturnType<typeof parseGraph> => parseGraph(TINY);
const tinyBytes = (): Uint8Array => concat(writeOnnx(tiny()));

/** A TensorProto of two floats: dims, data_type, and `more`. */
const twoFloats = (...more: number[]): Uint8Array => Uint8Array.of(0x08, 2, 0x10, 1, 0x42, 1, 0x77, ...more);

/** `torch.save` of before 1.6: magic number, protocol, system, object, keys; and half of the only storage. */
const cutOff = (): Uint8Array =>
  bytes(
    Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e),
    Uint8Array.of(0x80, 2, 0x4d, 0xe9, 3, 0x2e),
    bytes(op.proto(2), op.dict([]), op.stop),
    bytes(op.proto(2), op.dict([['w', tensorOf({ storage: '7', length: 2, shape: [2] })]]), op.stop),
    bytes(op.proto(2), op.list(op.text('7')), op.stop),
    Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4),
  );

/** Those that no other test provokes. */
const ROWS: readonly Row[] = [
  {
    code: 'base/range',
    provoke: () => new ByteRange(memorySource(new Uint8Array(4)), 2, 3),
    message: /bytes 2 to 5 were asked for; there are 4/,
    at: { byte: 2 },
  },
  {
    code: 'builder/golden',
    provoke: () => goldenVarScale({ init: 'golden init v1', var_scale: { bn: -1 } }),
    message: /var_scale\.bn: .*-1/,
    hint: /"var_scale"/,
  },
  {
    code: 'cli/usage',
    provoke: () => limitOption(new Command()).parse(['--limit', 'mesageDepth=9'], { from: 'user' }),
    message: /no limit named mesageDepth/,
    hint: /messageDepth/,
  },
  {
    code: 'convert/images-in',
    provoke: () => {
      const model = parseGraph('(x: uint8[1,4,4,3]) -> (y)\n y = Cast<to=1>(x)');
      const input = imageInput([{ name: 'x', dtype: 'uint8', shape: [1, 4, 4, 3] }]);
      return imagesIn(model, { input, steps: imagenetSteps(4), source: 'any' });
    },
    message: /the input x takes pixels \(uint8\) already/,
    hint: /nothing is left/,
    at: { value: 'x' },
  },
  {
    code: 'data/classes',
    provoke: () => classIndices(samplesOf(['cat', 'dog']), 10, {}),
    message: /2 classes and the model 10/,
    hint: /--labels FILE/,
  },
  {
    code: 'data/records',
    provoke: () => readRecords(written('records.jsonl', '{"a":1}\n')),
    message: /no records of cnnx eval/,
    hint: /another file/,
  },
  {
    code: 'data/unreadable',
    provoke: () => openDataset(written('notes.txt', 'no images'), { input: 'x', rank: 4 }),
    message: /notes\.txt is no IDX, \.npy or CIFAR file/,
    hint: /folder of images/,
  },
  {
    code: 'quantize/target',
    provoke: () => parseTarget('cuda'),
    message: /int8 gains nothing on cuda: its provider has no integer convolution/,
    hint: /float16/,
  },
  {
    code: 'graph/declared',
    provoke: () => {
      const [x] = tiny().graph.inputs;
      if (x) joinTypes(tensorType('float32', [2, 3]), tensorType('float32', [2, 4]), x);
    },
    message: /x is declared as float32\[2,3\], and inferred as float32\[2,4\]/,
    at: { value: 'x' },
  },
  {
    code: 'graph/duplicate-name',
    provoke: () => {
      const model = tiny();
      return new Editor(model).addInput(model.graph, 'y', tensorType('float32', []));
    },
    message: /a value named y exists already/,
    at: { value: 'y' },
  },
  {
    code: 'idx/format',
    provoke: () => readIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 5, 1, 2)),
    message: /takes 5 bytes; 2 follow/,
    at: { byte: 8 },
  },
  {
    code: 'image/input',
    provoke: () => imageInput([{ name: 'tokens', dtype: 'int64', shape: [1, 7] }]),
    message: /no input takes an image: .*\[N,C,H,W\] or \[N,H,W,C\] with 1 or 3 channels/,
    hint: /tokens/,
  },
  {
    code: 'image/labels',
    provoke: () => readLabels(written('labels.txt', 'cat\ndog\n'), 3),
    message: /2 names for 3 classes/,
    hint: /one name for each class/,
  },
  {
    code: 'image/no-decoder',
    provoke: async () => {
      vi.doMock('sharp', () => {
        throw new Error('not installed');
      });
      try {
        await readImage(fileURLToPath(new URL('../fixtures/images/small.png', import.meta.url)));
      } finally {
        vi.doUnmock('sharp');
      }
    },
    message: /sharp, an optional package/,
    hint: /npm install sharp/,
  },
  {
    code: 'io/access',
    provoke: () => {
      symlinkSync(join(folder, 'circle'), join(folder, 'circle'));
      return new FileSource(join(folder, 'circle'));
    },
    message: /cannot read .*circle: too many symbolic links/,
  },
  {
    code: 'io/failed',
    provoke: () => new FileSource(join(folder, 'n'.repeat(300))),
    message: /cannot read .*: the name is too long/,
  },
  {
    code: 'io/read-only',
    provoke: () => {
      throw ioError(Object.assign(new Error('EROFS'), { code: 'EROFS' }), '/usr/x.onnx', 'write');
    },
    message: /cannot write \/usr\/x\.onnx: the file system is read-only/,
    at: { file: '/usr/x.onnx' },
    hint: /--out/,
  },
  {
    code: 'io/too-large',
    provoke: async () => {
      const piece = new Uint8Array(2 ** 26);
      const stdin = vi
        .spyOn(process, 'stdin', 'get')
        .mockReturnValue(endless(piece) as unknown as typeof process.stdin);
      try {
        await openSource('-');
      } finally {
        stdin.mockRestore();
      }
    },
    message: /more than 2147483648 bytes on standard input/,
    hint: /to a file/,
  },
  {
    code: 'json/syntax',
    provoke: () => readJson(written('card.json', '{"a": 1,}')),
    message: /card\.json is not JSON: .*position 8/,
  },
  {
    code: 'onnx/depth',
    provoke: () => readOnnx(tinyBytes(), { limits: { messageDepth: 2 } }),
    message: /messages are nested deeper than 2/,
  },
  {
    code: 'onnx/limit',
    provoke: () => readOnnx(tinyBytes(), { limits: { text: 3 } }),
    message: /a text of 5 bytes; the limit is 3/,
  },
  {
    code: 'onnx/tensor',
    provoke: () => tensorFromProto(memorySource(twoFloats(0x4a, 4, 0, 0, 0, 0))),
    message: /tensor w: float32\[2\] takes 8 bytes; raw_data has 4/,
  },
  {
    code: 'onnx/too-large',
    provoke: () => {
      const model = tiny();
      new Editor(model).addInitializer(
        model.graph,
        'w',
        lazyTensor('uint8', [2 ** 31], () => new Uint8Array(0)),
      );
      return exportOnnx(model);
    },
    message: /the model takes 21474\d+ bytes; protobuf allows 2147483647/,
    hint: /external data/,
  },
  {
    code: 'onnx/unsupported',
    provoke: () => tensorFromProto(memorySource(twoFloats(0x1a, 4, 8, 0, 16, 2))).bytes(),
    message: /tensor w is a segment of a larger one/,
  },
  {
    code: 'opset/refused',
    provoke: () => convertOpset(parseGraph('(x: float32[2,2]) -> (y)\n y = Trilu@cut(x)'), 13),
    message:
      /one node has no exact form in opset 13 \(the model imports 17\):\n {2}Trilu cut: Trilu came with opset 14/,
    at: { node: 'cut' },
    hint: /cnnx fuse first/,
  },
  {
    code: 'opset/version',
    provoke: () => convertOpset(tiny(), 6),
    message: /opset 6; 7 to 26 can be converted to/,
  },
  {
    code: 'runtime/tensor-type',
    provoke: () => toOrt(ort, tensor('complex64', [1], new Uint8Array(8)), 'c'),
    message: /cannot carry complex64.*, which c is/,
    at: { value: 'c' },
  },
  {
    code: 'surgery/name',
    provoke: () => cutModel(tiny(), { to: ['yy'] }),
    message: /the model has no value named yy/,
    hint: /did you mean y/,
  },
  {
    code: 'surgery/refused',
    provoke: () => cutModel(tiny(), { to: ['x'] }),
    message: /x is an input of the model, and makes no output/,
  },
  {
    code: 'torch/truncated',
    provoke: () => readTorchLegacy(memorySource(cutOff())),
    message: /storage 7 takes 16 bytes; 12 are left/,
    hint: /again/,
  },
];

async function* endless(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  for (;;) yield await Promise.resolve(piece);
}

test.each(ROWS)('$code', async ({ code, provoke, message, at, hint }) => {
  const error = await caught(provoke);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  if (at) expect(error.at).toMatchObject(at);
  if (hint) expect(error.hint).toMatch(hint);
});

async function caught(provoke: () => unknown): Promise<CnnxError> {
  try {
    await provoke();
  } catch (error) {
    if (error instanceof CnnxError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the table', () => {
  const codes = Object.keys(ERRORS);

  test('is sorted', () => {
    expect(codes).toEqual([...codes].sort());
  });

  test('has no code without a row here or a test elsewhere', () => {
    const elsewhere = sources(fileURLToPath(new URL('..', import.meta.url)), '.test.ts');
    const rows: ReadonlySet<string> = new Set(ROWS.map((r) => r.code));
    expect(codes.filter((code) => !rows.has(code) && !elsewhere.includes(code))).toEqual([]);
  });

  test('has no code that nothing raises', () => {
    const src = fileURLToPath(new URL('../../src', import.meta.url));
    const code = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((f) => f.endsWith('.ts') && !f.endsWith('error-codes.ts'))
      .map((f) => readFileSync(join(src, f), 'utf8'))
      .join('\n');
    expect(codes.filter((name) => !code.includes(`'${name}'`))).toEqual([]);
  });

  test('is what docs/errors.md says', () => {
    const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `([a-z-]+\/[a-z-]+)` +\| (\d) +\| (.*?) +\|$/gm)];
    expect(rows.map(([, code, exit, doc]) => [code, Number(exit), doc])).toEqual(
      Object.entries(ERRORS).map(([code, { exit, doc }]) => [code, exit, doc]),
    );
  });
});

test('docs/security.md lists every limit with its number and reason', () => {
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const source = readFileSync(new URL('../../src/base/limits.ts', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` +\| +([\d,]+) \| (.*?) +\|$/gm)];
  expect(rows.map(([, name, number]) => [name, Number(number?.replaceAll(',', ''))])).toEqual(Object.entries(LIMITS));
  for (const [, name, , why] of rows) expect(source).toContain(`/** ${why} */\n  ${name}:`);
});
