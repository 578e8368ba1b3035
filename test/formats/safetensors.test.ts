import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ByteSource, concat, memorySource } from '../../src/base/bytes.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js';
import { readSafetensorsIndex } from '../../src/formats/safetensors-index.js';
import { bytesOf, type DType } from '../../src/tensor/dtype.js';
import { tensor, type Tensor } from '../../src/tensor/tensor.js';

/** A file from its header, as text, and so many bytes of data. */
function file(header: string | object, size = 0): ByteSource {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return memorySource(new Uint8Array(Buffer.concat([length, json, Buffer.alloc(size)])));
}

const DTYPES: readonly DType[] = [
  'bfloat16',
  'bool',
  'complex64',
  'float16',
  'float32',
  'float4e2m1',
  'float64',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'float8e8m0',
  'int16',
  'int32',
  'int64',
  'int8',
  'uint16',
  'uint32',
  'uint64',
  'uint8',
];

const name = fc.oneof(
  fc.constantFrom('__proto__', '0', '10', '', 'a"b\\', 'é中\u{1f600}', 'toString'),
  fc.string({ maxLength: 8, unit: 'grapheme' }),
);

test('written and read again: the same names in the same order, types, shapes and bits', () => {
  const one = fc
    .record({ dtype: fc.constantFrom(...DTYPES), shape: fc.array(fc.nat(3), { maxLength: 4 }) })
    .filter(({ dtype, shape }) => dtype !== 'float4e2m1' || shape.reduce((n, d) => n * d, 1) % 2 === 0)
    .chain(({ dtype, shape }) => {
      const size = bytesOf(
        dtype,
        shape.reduce((n, d) => n * d, 1),
      );
      return fc.uint8Array({ minLength: size, maxLength: size }).map((data) => tensor(dtype, shape, data));
    });
  const entries = fc.uniqueArray(fc.tuple(name, one), { selector: ([n]) => n, maxLength: 8 });
  fc.assert(
    fc.property(
      entries,
      fc.uniqueArray(fc.tuple(name, fc.string()), { selector: ([n]) => n, maxLength: 3 }),
      (tensors, metadata) => {
        const written = concat(writeSafetensors({ tensors: new Map(tensors), metadata: new Map(metadata) }));
        const found = readSafetensors(memorySource(written));
        expect([...found.tensors].map(plain)).toEqual(tensors.map(plain));
        expect(found.metadata).toEqual(new Map(metadata));
        // Whoever maps the file gets aligned tensors.
        const view = new DataView(written.buffer, written.byteOffset);
        expect(Number(view.getBigUint64(0, true)) % 8).toBe(0);
      },
    ),
    { numRuns: 200 },
  );
});

const plain = ([n, t]: readonly [string, Tensor]) => [n, t.dtype, t.shape, Buffer.from(t.bytes()).toString('hex')];

test('the bytes are those of the reference implementation', () => {
  // safetensors 0.4, Python: save({'a': torch.tensor([1., 2.])}, metadata={'format': 'pt'}); this layout is also what
  // its documentation draws.
  const written = concat(
    writeSafetensors({
      tensors: new Map([['a', tensor('float32', [2], new Uint8Array(Float32Array.of(1, 2).buffer))]]),
      metadata: new Map([['format', 'pt']]),
    }),
  );
  const header = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  expect(Buffer.from(written).toString('latin1')).toBe(
    `${String.fromCharCode(padded.length)}\0\0\0\0\0\0\0${padded}\0\0\x80?\0\0\0@`,
  );
});

describe('what is refused', () => {
  const f32 = (shape: unknown, data_offsets: unknown) => ({ dtype: 'F32', shape, data_offsets });
  test.each<[string, ByteSource, string]>([
    ['seven bytes', memorySource(new Uint8Array(7)), 'safetensors/truncated'],
    [
      'a header longer than the file',
      memorySource(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d)),
      'safetensors/truncated',
    ],
    ['a header of 2^63 bytes', memorySource(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80, 0x7b)), 'safetensors/header'],
    ['no JSON', file('{"a":'), 'safetensors/header'],
    ['a list', file('[]'), 'safetensors/header'],
    ['a space before the brace', file(' {}'), 'safetensors/header'],
    ['no UTF-8', memorySource(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d)), 'safetensors/header'],
    [
      'the same name twice',
      file(
        '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}',
        4,
      ),
      'safetensors/header',
    ],
    [
      'the same name twice, spelled differently',
      file(
        '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}',
        8,
      ),
      'safetensors/header',
    ],
    ['a tensor that is a number', file({ a: 1 }), 'safetensors/header'],
    ['metadata that is a number', file({ __metadata__: { a: 1 } }), 'safetensors/header'],
    ['an unknown element type', file({ a: { dtype: 'F6', shape: [], data_offsets: [0, 1] } }, 1), 'safetensors/dtype'],
    ['a negative size', file({ a: f32([-1], [0, 4]) }, 4), 'safetensors/header'],
    ['a size with a fraction', file({ a: f32([0.5], [0, 2]) }, 2), 'safetensors/header'],
    ['too many axes', file({ a: f32(Array(65).fill(1), [0, 4]) }, 4), 'safetensors/header'],
    ['three offsets', file({ a: f32([], [0, 4, 8]) }, 4), 'safetensors/header'],
    ['offsets that run backwards', file({ a: f32([], [4, 0]) }, 4), 'safetensors/offsets'],
    ['another size than the shape', file({ a: f32([2], [0, 4]) }, 4), 'safetensors/offsets'],
    ['a shape whose product no number holds', file({ a: f32([2 ** 40, 2 ** 40], [0, 4]) }, 4), 'safetensors/offsets'],
    ['tensors on the same bytes', file({ a: f32([], [0, 4]), b: f32([], [0, 4]) }, 4), 'safetensors/offsets'],
    ['a gap', file({ a: f32([], [0, 4]), b: f32([], [8, 12]) }, 12), 'safetensors/offsets'],
    ['a gap at the start', file({ a: f32([], [4, 8]) }, 8), 'safetensors/offsets'],
    ['bytes after the last tensor', file({ a: f32([], [0, 4]) }, 5), 'safetensors/offsets'],
    ['data cut off', file({ a: f32([], [0, 4]) }, 3), 'safetensors/truncated'],
  ])('%s', (_, source, code) => {
    expect(() => readSafetensors(source)).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });

  test.each<[string, string, Tensor, string]>([
    ['a type that the format lacks', 'a', tensor('complex128', [1], new Uint8Array(16)), 'safetensors/dtype'],
    ['the name of the metadata', '__metadata__', tensor('uint8', [1], new Uint8Array(1)), 'safetensors/dtype'],
    ['a name that is no Unicode', 'a\udc80', tensor('uint8', [1], new Uint8Array(1)), 'safetensors/name'],
  ])('%s is not written', (_, key, t, code) => {
    expect(() => writeSafetensors({ tensors: new Map([[key, t]]), metadata: new Map() })).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe('shards', () => {
  const shard = (...names: string[]): ByteSource =>
    memorySource(
      concat(
        writeSafetensors({
          tensors: new Map(names.map((n) => [n, tensor('uint8', [1], Uint8Array.of(n.charCodeAt(0)))])),
          metadata: new Map([['format', 'pt']]),
        }),
      ),
    );
  const files = new Map([
    ['one.safetensors', shard('a', 'c')],
    ['two.safetensors', shard('b')],
  ]);
  const open = (n: string): ByteSource => files.get(n) ?? memorySource(new Uint8Array(0));
  const index = (weight_map: unknown): ByteSource =>
    memorySource(new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 3 }, weight_map })));
  const good = { a: 'one.safetensors', b: 'two.safetensors', c: 'one.safetensors' };

  test('come together in the order of the index', () => {
    const found = readSafetensorsIndex(index(good), open);
    expect([...found.tensors].map(([n, t]) => [n, t.bytes()[0]])).toEqual([
      ['a', 97],
      ['b', 98],
      ['c', 99],
    ]);
    expect([...found.metadata]).toEqual([['format', 'pt']]);
  });

  test.each<[string, unknown]>([
    ['another folder', { a: '../one.safetensors' }],
    ['an absolute path', { a: '/one.safetensors' }],
    ["Windows' other folders", { a: 'x\\one.safetensors' }],
    ['a drive', { a: 'c:one' }],
    ['the folder itself', { a: '..' }],
    ['no name', { a: '' }],
    ['a number', { a: 1 }],
    ['no map', undefined],
    ['an empty map', {}],
    ['a tensor that its shard lacks', { ...good, d: 'two.safetensors' }],
    ['a tensor that the index forgets', { a: 'one.safetensors' }],
  ])('%s is refused', (_, map) => {
    expect(() => readSafetensorsIndex(index(map), open)).toThrow(
      expect.objectContaining({ code: 'safetensors/index' }),
    );
  });
});
