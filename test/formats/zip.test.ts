import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../src/base/bytes.js';
import { ZipArchive } from '../../src/formats/zip.js';
import { type ZipInput, zipFile } from '../support/zip-file.js';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const two: readonly ZipInput[] = [
  { name: 'a/data.pkl', data: text('first') },
  { name: 'a/data/0', data: text('the second') },
];

const read = (source: ByteSource): [string, string][] => {
  const zip = ZipArchive.open(source);
  return zip.names().map((name) => [name, new TextDecoder().decode(zip.get(name)?.read())]);
};

test.each([false, true])('stored entries come back (zip64: %s)', (zip64) => {
  expect(read(zipFile(two, zip64))).toEqual([
    ['a/data.pkl', 'first'],
    ['a/data/0', 'the second'],
  ]);
});

test('names are data', () => {
  const names = ['__proto__', '../../etc/passwd', '/abs', 'constructor', ''];
  const source = zipFile(names.map((name) => ({ name, data: text(name) })));
  expect(read(source)).toEqual(names.map((name) => [name, name]));
});

test('entries beyond 4 GiB are found, and a part of one is read without the rest', () => {
  const zeros = 5 * 2 ** 30;
  // The checksum of so many zeros is not looked at: nothing of that entry is asked for.
  const source = zipFile(
    [
      { name: 'big', data: text('x'), zeros },
      { name: 'after', data: text('here') },
    ],
    true,
  );
  expect(source.size).toBeGreaterThan(zeros);
  const zip = ZipArchive.open(source);
  expect(zip.get('big')?.size).toBe(zeros + 1);
  expect(new TextDecoder().decode(zip.get('after')?.read())).toBe('here');
});

test('the checksum covers the whole entry, also when only a part is read', () => {
  const zip = ZipArchive.open(zipFile([{ name: 'a', data: text('some data'), crc: 1 }]));
  expect(() => zip.get('a')?.read(2, 3)).toThrow(expect.objectContaining({ code: 'zip/checksum' }));
  expect(() => zip.get('a')?.read()).toThrow(expect.objectContaining({ code: 'zip/checksum' }));
  const good = ZipArchive.open(zipFile([{ name: 'a', data: text('some data') }]));
  expect(new TextDecoder().decode(good.get('a')?.read(5, 4))).toBe('data');
});

/** A source with some bytes replaced, found from the end. */
function patched(source: ByteSource, fromEnd: number, ...values: number[]): ByteSource {
  const bytes = source.read(0, source.size);
  bytes.set(values, source.size - fromEnd);
  return { size: bytes.length, read: (at, n) => bytes.subarray(at, at + n) };
}

const END = 22;

describe('what is refused', () => {
  const plain = zipFile(two);
  const wide = zipFile(two, true);
  test.each<[string, ByteSource, string, RegExp]>([
    ['no end record', patched(plain, END, 0), 'zip/directory', /cut off/],
    ['an empty file', { size: 0, read: () => new Uint8Array(0) }, 'zip/directory', /cut off/],
    [
      'a directory beyond the file',
      patched(plain, END - 16, 0xff, 0xff, 0xff, 0x7f),
      'zip/directory',
      /after its end record/,
    ],
    ['a directory somewhere else', patched(plain, END - 16, 1, 0, 0, 0), 'zip/directory', /announced/],
    ['more entries than there are', patched(plain, END - 10, 3, 0), 'zip/directory', /has 2 entries; 3/],
    ['several disks', patched(plain, END - 4, 1, 0), 'zip/unsupported', /disks/],
    ['a zip64 record out of the file', patched(wide, END + 12, 0xff, 0xff, 0xff, 0xff), 'zip/directory', /zip64/],
    [
      'a zip64 size beyond 2^53',
      patched(wide, END + 12, 0, 0, 0, 0, 0, 0, 0, 0x7f),
      'zip/directory',
      /9151314442816847872/,
    ],
    ['encryption', zipFile([{ name: 'a', data: text('x'), flags: 1 }]), 'zip/unsupported', /encrypted/],
    ['two of one name', zipFile([two[0] ?? { name: '', data: text('') }, ...two]), 'zip/directory', /two entries/],
    ['another local name', zipFile([{ name: 'a', localName: 'b', data: text('x') }]), 'zip/directory', /another name/],
    [
      'an entry that begins in the directory',
      zipFile([{ name: 'a', data: text('x'), at: 32 }]),
      'zip/directory',
      /no entry|beyond/,
    ],
  ])('%s', (_, source, code, words) => {
    expect(() => read(source)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(words) }));
  });

  test('compression, when the entry is used', () => {
    const zip = ZipArchive.open(zipFile([{ name: 'a', data: text('x'), method: 8 }]));
    expect(() => zip.get('a')?.read()).toThrow(expect.objectContaining({ code: 'zip/unsupported' }));
  });

  test('entries that overlap', () => {
    // The second entry is the tail of the first one's data: a local header within it.
    const inner = zipFile([{ name: 'in', data: text('x') }]).read(0, 33);
    const source = zipFile([
      { name: 'out', data: inner },
      { name: 'in', data: text('x'), at: 33 },
    ]);
    expect(() => read(source)).toThrow(
      expect.objectContaining({ code: 'zip/directory', message: expect.stringContaining('within') }),
    );
  });
});
