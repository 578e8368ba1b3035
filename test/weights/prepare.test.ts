import { describe, expect, test } from 'vitest';
import { memorySource } from '../../src/base/bytes.js';
import { readCheckpoint } from '../../src/formats/checkpoint.js';
import type { StateDict } from '../../src/formats/state-dict.js';
import { asFloat64, float32Tensor, type Tensor } from '../../src/tensor/tensor.js';
import { prepare } from '../../src/weights/prepare.js';
import { join, op, tensorOf, torchZip } from '../support/torch-file.js';

const dict = (tensors: Readonly<Record<string, Tensor>>): StateDict => ({
  format: 'torch-zip',
  tensors: new Map(Object.entries(tensors)),
  metadata: new Map(),
});
const one = float32Tensor([2], [1, 2]);
const names = (s: StateDict, prefix?: string): string[] => [...prepare(s, prefix).tensors.keys()];

describe('names', () => {
  test('--prefix takes those that have it, and says how many it leaves', () => {
    const { tensors, notes } = prepare(dict({ 'model.a': one, 'model.b.c': one, 'loss.w': one }), 'model.');
    expect([...tensors.keys()]).toEqual(['a', 'b.c']);
    expect(notes).toEqual(['1 tensors without model. are left out']);
    expect(() => prepare(dict({ 'net.a': one, 'loss.w': one }), 'model.')).toThrow(
      expect.objectContaining({ code: 'weights/nothing', hint: 'they begin with net., loss.' }),
    );
  });

  test('the count of averaged models beside wrapped names is no weight', () => {
    expect(names(dict({ n_averaged: one, 'module.a': one, 'module.b': one }))).toEqual(['a', 'b']);
    expect(names(dict({ n_averaged: one, a: one }))).toEqual(['n_averaged', 'a']);
  });
});

describe('pairs are multiplied out', () => {
  const v = float32Tensor([2, 2], [3, 4, 0, 2]);
  const g = float32Tensor([2, 1], [10, 3]);

  test.each([
    ['torch.nn.utils.weight_norm', { 'fc.bias': one, 'fc.weight_g': g, 'fc.weight_v': v }, ['fc.bias', 'fc.weight']],
    [
      'torch.nn.utils.parametrizations.weight_norm',
      { 'fc.parametrizations.weight.original0': g, 'fc.parametrizations.weight.original1': v },
      ['fc.weight'],
    ],
  ])('%s', (_, tensors, expected) => {
    const found = prepare(dict(tensors));
    expect([...found.tensors.keys()]).toEqual(expected);
    expect(found.notes).toEqual(['1 pair of weight_norm is multiplied out']);
    const weight = found.tensors.get('fc.weight');
    // Rows of length 5 and 2, made 10 and 3 long.
    expect(weight && [...asFloat64(weight)]).toEqual([6, 8, 0, 3]);
  });

  test('pruning', () => {
    const found = prepare(dict({ weight_orig: v, weight_mask: float32Tensor([2, 2], [1, 0, 1, 1]) }));
    expect(found.notes).toEqual(['1 pair of pruning is multiplied out']);
    const weight = found.tensors.get('weight');
    expect(weight && [...asFloat64(weight)]).toEqual([3, 0, 0, 2]);
  });

  test('what only looks like a pair stays', () => {
    const odd = { weight_g: float32Tensor([3, 1], [1, 1, 1]), weight_v: v, w_mask: one, other_g: g };
    expect(names(dict(odd))).toEqual(Object.keys(odd));
  });
});

describe('entries', () => {
  const sd = (storage: string): Uint8Array => op.dict([['w', tensorOf({ storage, length: 2, shape: [2] })]]);
  const data = { 0: new Uint8Array(Float32Array.of(1, 2).buffer), 1: new Uint8Array(Float32Array.of(3, 4).buffer) };
  const file = (...keys: readonly [string, string]): ReturnType<typeof torchZip> =>
    torchZip(op.dict(keys.map((key, i) => [key, sd(String(i))])), data);
  const values = (s: StateDict): number[] => [...s.tensors.values()].flatMap((t) => [...asFloat64(t)]);

  test.each([
    ['state_dict', 'state_dict_ema'],
    ['params', 'params_ema'],
    ['model', 'model_ema'],
  ] as const)('%s beside %s: asked for, with the names; --entry chooses', (a, b) => {
    expect(() => readCheckpoint(file(a, b))).toThrow(
      expect.objectContaining({
        code: 'torch/several-sets',
        message: expect.stringMatching(`${a} \\(1 tensors\\), ${b}`) as string,
      }),
    );
    expect(values(readCheckpoint(file(a, b), '', { entry: b }))).toEqual([3, 4]);
    expect(readCheckpoint(file(a, b), '', { entry: b }).entry).toBe(b);
  });

  test('any key can be chosen, and those that could are told', () => {
    expect(() => readCheckpoint(file('generator', 'critic'))).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/generator, critic: choose with --entry/) as string }),
    );
    expect(values(readCheckpoint(file('generator', 'critic'), '', { entry: 'critic' }))).toEqual([3, 4]);
    expect(() => readCheckpoint(file('generator', 'critic'), '', { entry: 'other' })).toThrow(
      /no state dict under other/,
    );
  });
});

describe('NumPy arrays in a pickle', () => {
  const bytes = (data: Uint8Array): Uint8Array => join(Uint8Array.of(0x43, data.length), data);
  const dtype = (code: string, order: string): Uint8Array =>
    join(
      op.call('numpy', 'dtype', op.text(code), op.int(0), op.int(1)),
      op.tuple(op.int(3), op.text(order), op.none, op.none, op.none),
      Uint8Array.of(0x62),
    );
  const array = (shape: readonly number[], code: string, data: Uint8Array, fortran = false, order = '<'): Uint8Array =>
    join(
      op.call(
        'numpy.core.multiarray',
        '_reconstruct',
        op.global('numpy', 'ndarray'),
        op.tuple(op.int(0)),
        bytes(Uint8Array.of(98)),
      ),
      op.tuple(
        op.int(1),
        op.tuple(...shape.map(op.int)),
        dtype(code, order),
        Uint8Array.of(fortran ? 0x88 : 0x89),
        bytes(data),
      ),
      Uint8Array.of(0x62),
    );
  const pickle = (value: Uint8Array): StateDict =>
    readCheckpoint(memorySource(join(op.proto(3), op.dict([['w', value]]), op.stop)), 'weights.pkl');
  const floats = (...v: number[]): Uint8Array => new Uint8Array(Float32Array.from(v).buffer);

  test('are tensors, rows or columns first, in a plain pickle and in one of torch.save', () => {
    const rows = pickle(array([2, 3], 'f4', floats(1, 2, 3, 4, 5, 6))).tensors.get('w');
    expect(rows).toMatchObject({ dtype: 'float32', shape: [2, 3] });
    expect(rows && [...asFloat64(rows)]).toEqual([1, 2, 3, 4, 5, 6]);
    const columns = pickle(array([2, 3], 'f4', floats(1, 4, 2, 5, 3, 6), true)).tensors.get('w');
    expect(columns && [...asFloat64(columns)]).toEqual([1, 2, 3, 4, 5, 6]);
    const saved = readCheckpoint(torchZip(op.dict([['w', array([2], 'f4', floats(7, 8))]]))).tensors.get('w');
    expect(saved && [...asFloat64(saved)]).toEqual([7, 8]);
  });

  test('that do not fit together, or are of the other byte order, are refused', () => {
    expect(() => pickle(array([3], 'f4', floats(1, 2)))).toThrow(expect.objectContaining({ code: 'torch/tensor' }));
    expect(() => pickle(array([1], 'f4', floats(1), false, '>'))).toThrow(
      expect.objectContaining({ code: 'torch/big-endian' }),
    );
  });
});
