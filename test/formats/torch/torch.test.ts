import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../../src/base/bytes.js';
import { readTorchArchive } from '../../../src/formats/torch/index.js';
import { unwrapped } from '../../../src/formats/state-dict.js';
import { asFloat64 } from '../../../src/tensor/tensor.js';
import { ascii, join, op, tensorOf, torchZip } from '../../support/torch-file.js';

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const six = { data: floats(0, 1, 2, 3, 4, 5) };

const read = (source: ByteSource): Record<string, number[]> =>
  Object.fromEntries([...readTorchArchive(source).tensors].map(([name, t]) => [name, [...asFloat64(t)]]));

const one = tensorOf({ storage: 'data', length: 6, shape: [6] });
const all = [0, 1, 2, 3, 4, 5];

describe('views of a storage', () => {
  test.each([
    ['in order', { shape: [2, 3] }, [0, 1, 2, 3, 4, 5]],
    ['from an offset', { shape: [2, 2], offset: 2 }, [2, 3, 4, 5]],
    ['transposed', { shape: [3, 2], strides: [1, 3] }, [0, 3, 1, 4, 2, 5]],
    ['every second', { shape: [3], strides: [2] }, [0, 2, 4]],
    ['repeated', { shape: [2, 2], strides: [0, 1], offset: 4 }, [4, 5, 4, 5]],
    ['one element', { shape: [], offset: 5 }, [5]],
    ['none', { shape: [0, 3] }, []],
    ['axes of one with any stride', { shape: [1, 6, 1], strides: [99, 1, 77] }, [0, 1, 2, 3, 4, 5]],
  ])('%s', (_, view, expected) => {
    const object = op.dict([['x', tensorOf({ storage: 'data', length: 6, ...view })]]);
    expect(read(torchZip(object, six))).toEqual({ x: expected });
  });

  test.each([
    ['beyond the end', { shape: [7] }],
    ['an offset too far', { shape: [6], offset: 1 }],
    ['strides too far', { shape: [3, 2], strides: [3, 1] }],
    ['sizes whose product no number holds', { shape: [2 ** 30, 2 ** 30, 2 ** 30], strides: [0, 0, 0] }],
    ['more repetition than memory', { shape: [2 ** 30, 2 ** 10], strides: [0, 0] }],
    ['a negative stride', { shape: [2], strides: [-1] }],
    ['a negative size', { shape: [-1] }],
    ['unlike numbers of sizes and strides', { shape: [2, 3], strides: [1] }],
  ])('%s is refused', (_, view) => {
    const object = op.dict([['x', tensorOf({ storage: 'data', length: 6, ...view })]]);
    expect(() => read(torchZip(object, six))).toThrow(expect.objectContaining({ code: 'torch/tensor' }));
  });

  test('a storage of another size than its data is refused', () => {
    const object = op.dict([['x', tensorOf({ storage: 'data', length: 7, shape: [7] })]]);
    expect(() => read(torchZip(object, six))).toThrow(
      expect.objectContaining({ code: 'torch/storage', message: expect.stringMatching(/28 bytes.*24 bytes/) }),
    );
  });

  test('a storage without data is refused', () => {
    expect(() => read(torchZip(op.dict([['x', one]])))).toThrow(expect.objectContaining({ code: 'torch/storage' }));
  });
});

describe('where the weights are', () => {
  const weights = op.dict([['w', one]]);
  test.each([
    ['at the top', weights],
    [
      'under model, beside a tensor of the trainer',
      op.dict([
        ['rng', one],
        ['model', weights],
      ]),
    ],
    [
      'under state_dict, beside an optimizer',
      op.dict([
        ['optimizer', op.dict([['m', one]])],
        ['state_dict', weights],
      ]),
    ],
    ['under model', op.dict([['model', weights]])],
    [
      'under model_state',
      op.dict([
        ['epoch', op.int(3)],
        ['model_state', weights],
      ]),
    ],
    ['two deep', op.dict([['model', op.dict([['state_dict', weights]])]])],
    [
      'beside plain values',
      op.dict([
        ['w', one],
        ['epoch', op.int(3)],
      ]),
    ],
    ['in an OrderedDict', join(op.call('collections', 'OrderedDict'), ascii('('), op.text('w'), one, ascii('u'))],
    ['as a Parameter', op.dict([['w', op.call('torch._utils', '_rebuild_parameter', one, op.false, op.none)]])],
    [
      'beside paths, dates, functions that were never applied, NumPy values and versions',
      op.dict([
        ['path', op.call('pathlib', 'PosixPath', op.text('runs'), op.text('1'))],
        ['date', op.call('datetime', 'datetime', op.int(1))],
        [
          'norm',
          join(
            op.call('functools', 'partial', op.global('my.code', 'norm')),
            op.tuple(op.global('my.code', 'norm'), op.tuple(), op.dict([]), op.none),
            ascii('b'),
          ),
        ],
        ['best', op.call('numpy.core.multiarray', 'scalar', op.call('numpy', 'dtype', op.text('f8')), op.text('x'))],
        [
          'version',
          join(op.global('torch.torch_version', 'TorchVersion'), op.tuple(op.text('2.1')), Uint8Array.of(0x81)),
        ],
        ['state_dict', weights],
      ]),
    ],
    [
      'under names for plain objects',
      op.dict([
        ['args', op.object('argparse', 'Namespace', op.dict([['lr', op.int(1)]]))],
        ['state_dict', weights],
      ]),
    ],
  ])('%s', (_, object) => {
    expect(read(torchZip(object, six))).toEqual({ w: all });
  });

  const emptyModule = (
    parameters: Uint8Array,
    buffers: Uint8Array,
    modules: Uint8Array,
    more: readonly (readonly [string, Uint8Array])[] = [],
  ) =>
    op.object(
      'my.code',
      'Net',
      op.dict([['_modules', modules], ['_buffers', buffers], ['_parameters', parameters], ...more]),
    );

  test('in a whole network: parameters, buffers, then the modules inside, as Module.state_dict() has them', () => {
    const none = op.dict([]);
    const leaf = emptyModule(
      op.dict([
        ['weight', one],
        ['bias', op.none],
      ]),
      none,
      none,
    );
    const root = emptyModule(
      op.dict([['scale', one]]),
      op.dict([
        ['mean', one],
        ['scratch', one],
      ]),
      op.dict([
        ['conv', leaf],
        ['nothing', op.none],
      ]),
      [['_non_persistent_buffers_set', op.call('__builtin__', 'set', op.list(op.text('scratch')))]],
    );
    expect(Object.keys(read(torchZip(root, six)))).toEqual(['scale', 'mean', 'conv.weight']);
    expect(Object.keys(read(torchZip(op.dict([['model', root]]), six)))).toEqual(['scale', 'mean', 'conv.weight']);
  });

  test('a network that contains itself ends at a limit', () => {
    // Memo 0 is the object; its modules get it again.
    const self = join(
      op.global('my.code', 'Net'),
      ascii(')'),
      Uint8Array.of(0x81),
      ascii('q\0'),
      op.dict([
        ['_parameters', op.dict([])],
        ['_modules', op.dict([['again', ascii('h\0')]])],
      ]),
      ascii('b'),
    );
    expect(() => read(torchZip(self))).toThrow(expect.objectContaining({ code: 'pickle/limit' }));
  });

  test('two references each, thirty deep, end at a limit and not after 2^30 modules', () => {
    let net = op.object(
      'm',
      'N',
      op.dict([
        ['_parameters', op.dict([])],
        ['_modules', op.dict([])],
      ]),
    );
    for (let i = 0; i < 30; i++) {
      const twice = op.dict([
        ['a', join(net, ascii('q'), Uint8Array.of(i))],
        ['b', join(ascii('h'), Uint8Array.of(i))],
      ]);
      net = op.object(
        'm',
        'N',
        op.dict([
          ['_parameters', op.dict([])],
          ['_modules', twice],
        ]),
      );
    }
    expect(() => read(torchZip(net))).toThrow(expect.objectContaining({ code: 'pickle/limit' }));
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['an empty dictionary', op.dict([]), /a dictionary of 0/],
    [
      'other keys',
      op.dict([
        ['encoder', op.int(1)],
        ['epoch', op.int(1)],
      ]),
      /encoder, epoch/,
    ],
    ['a list', op.list(op.int(1)), /a list of 1/],
    ['a bare tensor', one, /a tensor without a name/],
    ['None', op.none, /None/],
    ['a name', op.global('os', 'system'), /os\.system/],
    ['an object', op.object('a', 'B', op.dict([])), /an object of class a\.B/],
  ])('%s holds no state dict', (_, object, words) => {
    expect(() => read(torchZip(object, six))).toThrow(
      expect.objectContaining({ code: 'torch/no-state-dict', message: expect.stringMatching(words) }),
    );
  });

  test('names such as __proto__ are only names', () => {
    const names = ['__proto__', 'constructor', 'toString', '', '0'];
    const found = readTorchArchive(torchZip(op.dict(names.map((n) => [n, one])), six));
    expect([...found.tensors.keys()]).toEqual(names);
  });

  test('module. and _orig_mod. come off every name or off none', () => {
    const names = (...list: string[]) => [
      ...unwrapped(readTorchArchive(torchZip(op.dict(list.map((n) => [n, one])), six))).tensors.keys(),
    ];
    expect(names('module.a', 'module.b.c')).toEqual(['a', 'b.c']);
    expect(names('module._orig_mod.a', 'module._orig_mod.b')).toEqual(['a', 'b']);
    expect(names('_orig_mod.module.a')).toEqual(['a']);
    expect(names('module.a', 'b')).toEqual(['module.a', 'b']);
  });
});

describe('other archives', () => {
  test('big-endian', () => {
    const source = torchZip(op.dict([['w', one]]), six, { byteorder: 'big' });
    expect(() => read(source)).toThrow(expect.objectContaining({ code: 'torch/big-endian' }));
    expect(read(torchZip(op.dict([['w', one]]), six, { byteorder: 'little' }))).toEqual({ w: all });
  });

  test('TorchScript', () => {
    const source = torchZip(op.dict([]), {}, { 'constants.pkl': 'x' });
    expect(() => read(source)).toThrow(expect.objectContaining({ code: 'torch/script' }));
  });

  test.each([
    ['_rebuild_qtensor', 'quantized'],
    ['_rebuild_sparse_tensor', 'sparse'],
    ['_rebuild_meta_tensor_no_storage', 'without data'],
  ])('%s', (name, words) => {
    const source = torchZip(op.dict([['w', op.call('torch._utils', name)]]));
    expect(() => read(source)).toThrow(
      expect.objectContaining({ code: 'torch/unsupported', message: expect.stringContaining(words) }),
    );
  });
});
