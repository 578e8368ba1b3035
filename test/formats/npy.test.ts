import { describe, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { readNpy, writeNpy } from '../../src/formats/npy.js';
import { asFloat64, float32Tensor, int64Tensor, tensor } from '../../src/tensor/tensor.js';

// Written by numpy.lib.format.write_array of NumPy 2.4.6.
const NUMPY = {
  float32:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAMA/AAAAwAAAQEAAAIBAAACgQAAAwEA=',
  fortran:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGk0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAADAAAAAQAAAAQAAAACAAAABQAAAABAAAADQAAAAUAAAARAAAACQAAABUAAAACAAAADgAAAAYAAAASAAAACgAAABYAAAADAAAADwAAAAcAAAATAAAACwAAABcAAAA=',
  bigEndian:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPmk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAQAAAAAAAAEC',
  scalar:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoB',
  version2:
    'k05VTVBZAgB0AAAAeydkZXNjcic6ICd8dTEnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMywpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAQI=',
  complexBigEndian:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPmM4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/gAAAQAAAAA==',
} as const;

const file = (name: keyof typeof NUMPY): Uint8Array => Uint8Array.from(Buffer.from(NUMPY[name], 'base64'));

describe('reading what NumPy wrote', () => {
  test('float32', () => {
    const t = readNpy(file('float32'));
    expect([t.dtype, t.shape, [...asFloat64(t)]]).toEqual(['float32', [2, 3], [1.5, -2, 3, 4, 5, 6]]);
  });

  test("Fortran's order is put right", () => {
    const t = readNpy(file('fortran'));
    expect([t.dtype, t.shape]).toEqual(['int32', [2, 3, 4]]);
    expect([...asFloat64(t)]).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  test('big-endian numbers are put right', () => {
    expect([...asFloat64(readNpy(file('bigEndian')))]).toEqual([1, 258]);
    const halves = new Float32Array(readNpy(file('complexBigEndian')).bytes().slice().buffer);
    expect([...halves]).toEqual([1, 2]);
  });

  test('no dimensions, and a header of version 2', () => {
    expect(readNpy(file('scalar'))).toMatchObject({ dtype: 'bool', shape: [] });
    expect([...readNpy(file('version2')).bytes()]).toEqual([0, 1, 2]);
  });
});

test('writes what NumPy writes, byte for byte', () => {
  const float32 = float32Tensor([2, 3], [1.5, -2, 3, 4, 5, 6]);
  expect(Buffer.from(concat(writeNpy(float32))).toString('base64')).toBe(NUMPY.float32);
  expect(Buffer.from(concat(writeNpy(tensor('bool', [], Uint8Array.of(1))))).toString('base64')).toBe(NUMPY.scalar);
  const back = readNpy(concat(writeNpy(int64Tensor([2], [1, -258]))));
  expect([back.dtype, back.shape, [...asFloat64(back)]]).toEqual(['int64', [2], [1, -258]]);
});

test.each<[string, (bytes: Buffer) => Uint8Array, RegExp]>([
  ['another file', () => Buffer.from('PNG and so on'), /not an \.npy/],
  ['a short file', (b) => b.subarray(0, 8), /not an \.npy|ends/],
  ['a header cut off', (b) => b.subarray(0, 40), /a header of 118 bytes in a file of 40/],
  ['data cut off', (b) => b.subarray(0, 140), /takes 24 bytes; 12 follow/],
  ['an unknown version', (b) => Buffer.concat([b.subarray(0, 6), Uint8Array.of(9), b.subarray(7)]), /version 9/],
  ['objects', (b) => Buffer.from(b.toString('latin1').replace("'<f4'", "'|O' "), 'latin1'), /type \|O/],
  [
    'a poisoned type',
    (b) => Buffer.from(b.toString('latin1').replace("'<f4'", "'<__proto__'"), 'latin1'),
    /type <__proto__|header/,
  ],
])('refuses %s', (_what, damage, words) => {
  const bytes = damage(Buffer.from(NUMPY.float32, 'base64'));
  expect(() => readNpy(bytes)).toThrow(expect.objectContaining({ code: 'npy/format' }));
  expect(() => readNpy(bytes)).toThrow(words);
});

test('types that NumPy does not have cannot be written', () => {
  expect(() => writeNpy(tensor('bfloat16', [1], new Uint8Array(2)))).toThrow(/no elements of type bfloat16/);
});
