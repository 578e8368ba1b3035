import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ByteRange } from '../../../src/base/bytes.js';
import { ExternalFiles } from '../../../src/node/files/external-files.js';
import { FileSource } from '../../../src/node/files/file-source.js';
import { checkWritable, writeFile, writePair } from '../../../src/node/files/write-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const code = (c: string): object => expect.objectContaining({ code: c });

/** Bytes that differ at every position that matters: a wrong offset cannot go unseen. */
function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 8);
  return bytes;
}

test('stretches of a file of any size, between bytes from memory, arrive in their order', async () => {
  const bytes = pattern(5_100_000);
  writeFileSync(at('in'), bytes);
  const source = new FileSource(at('in'));
  const sizes = [1, 5_000_000, 70_000, 3, 4 << 20, 16, 65_536, 65_537, 0, 900_000];
  const chunks: (ByteRange | Uint8Array)[] = [];
  const expected: Uint8Array[] = [];
  sizes.forEach((size, i) => {
    chunks.push(new ByteRange(source, 7 * i, size), text(`<${i}>`));
    expected.push(bytes.subarray(7 * i, 7 * i + size), text(`<${i}>`));
  });
  await writeFile(at('out'), chunks);
  expect(Buffer.compare(readFileSync(at('out')), Buffer.concat(expected))).toBe(0);
  source.close();
});

describe('FileSource', () => {
  test('reads any stretch, across the windows it keeps', () => {
    const bytes = pattern(700_000);
    writeFileSync(at('a'), bytes);
    const source = new FileSource(at('a'));
    expect(source.size).toBe(700_000);
    const stretches = [
      [0, 10],
      [5, 3],
      [262_140, 8],
      [262_144, 1],
      [100_000, 400_000],
      [699_999, 1],
      [3, 0],
      [12, 50_000],
    ];
    for (const [start = 0, size = 0] of stretches)
      expect(Buffer.compare(source.read(start, size), bytes.subarray(start, start + size))).toBe(0);
    source.close();
  });

  test('a view stays what it was after later reads', () => {
    writeFileSync(at('a'), pattern(600_000));
    const source = new FileSource(at('a'));
    const first = source.read(0, 100);
    source.read(500_000, 100);
    expect(first).toEqual(pattern(100));
    source.close();
  });

  test('says that a file shrank', () => {
    writeFileSync(at('a'), pattern(1000));
    const source = new FileSource(at('a'));
    truncateSync(at('a'), 10);
    expect(() => source.read(0, 1000)).toThrow(code('io/changed'));
    source.close();
  });

  test.each([
    ['a folder', 'io/is-directory', () => mkdirSync(at('x'))],
    ['nothing', 'io/not-found', () => {}],
    ['a pipe that nobody writes to', 'io/not-regular', () => execFileSync('mkfifo', [at('x')])],
  ])('refuses %s', (_what, error, make) => {
    make();
    expect(() => new FileSource(at('x'))).toThrow(code(error));
  });

  test('refuses a device', () => {
    expect(() => new FileSource('/dev/zero')).toThrow(code('io/not-regular'));
  });
});

describe('external data', () => {
  const secret = (): string => {
    mkdirSync(at('elsewhere'));
    writeFileSync(at('elsewhere/secret'), 'secret');
    return at('elsewhere/secret');
  };
  const files = (): ExternalFiles => {
    mkdirSync(at('model'));
    writeFileSync(at('model/m.onnx'), 'model');
    return new ExternalFiles(new FileSource(at('model/m.onnx')));
  };

  test('finds files in the folder and below it, each opened once', () => {
    const external = files();
    mkdirSync(at('model/sub'));
    writeFileSync(at('model/w.bin'), 'weights');
    writeFileSync(at('model/sub/v.bin'), 'more');
    expect(new TextDecoder().decode(external.resolve('w.bin').read(0, 7))).toBe('weights');
    expect(new TextDecoder().decode(external.resolve('./sub/v.bin').read(0, 4))).toBe('more');
    expect(external.resolve('w.bin')).toBe(external.resolve('w.bin'));
  });

  test('follows a link that stays inside', () => {
    const external = files();
    writeFileSync(at('model/w.bin'), 'weights');
    symlinkSync('w.bin', at('model/link'));
    expect(external.resolve('link').size).toBe(7);
  });

  /** snapshots/REVISION/ with links into blobs/, as the cache of huggingface_hub lays files. */
  const cache = (): ExternalFiles => {
    mkdirSync(at('blobs'));
    mkdirSync(at('snapshots/1f2e/onnx'), { recursive: true });
    writeFileSync(at('blobs/aa'), 'model');
    writeFileSync(at('blobs/bb'), 'weights');
    symlinkSync('../../../blobs/aa', at('snapshots/1f2e/onnx/model.onnx'));
    symlinkSync('../../../blobs/bb', at('snapshots/1f2e/onnx/model.onnx_data'));
    return new ExternalFiles(new FileSource(at('snapshots/1f2e/onnx/model.onnx')));
  };

  test('in a cache of links: named beside the link to the model, stored beside the model', () => {
    const external = cache();
    expect(external.resolve('model.onnx_data').size).toBe(7);
    // Beside the model's own file without a link of its own.
    writeFileSync(at('blobs/w.bin'), 'more');
    expect(external.resolve('w.bin').size).toBe(4);
  });

  test('in a cache of links too, what lies elsewhere is refused', () => {
    const external = cache();
    symlinkSync(secret(), at('snapshots/1f2e/onnx/escape'));
    symlinkSync('../elsewhere/secret', at('blobs/escape2'));
    for (const location of ['escape', 'escape2', 'model.onnx', '../blobs/bb'])
      expect(() => external.resolve(location)).toThrow(code('onnx/external-data'));
  });

  test.each([
    ['a\0b', 'NUL'],
    ['/etc/passwd', 'absolute'],
    ['C:\\secret', 'absolute'],
    ['\\\\host\\share', 'absolute'],
    ['../elsewhere/secret', 'leads out'],
    ['sub/../../elsewhere/secret', 'leads out'],
    ['..\\elsewhere\\secret', 'leads out'],
    ['absent.bin', 'does not exist'],
    ['link', 'symbolic link'],
    ['folder-link/secret', 'symbolic link'],
    ['device-link', 'symbolic link'],
    ['m.onnx', 'the model itself'],
    ['hard', 'hard links'],
    ['pipe', 'a pipe'],
    ['.', 'symbolic link that leaves|folder'],
  ])('refuses %j', (location, why) => {
    const external = files();
    const path = secret();
    symlinkSync(path, at('model/link'));
    symlinkSync(at('elsewhere'), at('model/folder-link'));
    symlinkSync('/dev/zero', at('model/device-link'));
    linkSync(path, at('model/hard'));
    execFileSync('mkfifo', [at('model/pipe')]);
    expect(() => external.resolve(location)).toThrow(code('onnx/external-data'));
    expect(() => external.resolve(location)).toThrow(new RegExp(why));
  });
});

describe('writing', () => {
  test('puts pieces and ranges of other files in order', async () => {
    const bytes = pattern(20_000_000);
    writeFileSync(at('source'), bytes);
    const source = new FileSource(at('source'));
    const many = Array.from({ length: 2000 }, (_, i) => text(`${i},`));
    await writeFile(at('out'), [text('head'), new ByteRange(source, 1000, 19_000_000), ...many, new Uint8Array(0)]);
    const expected = Buffer.concat([text('head'), bytes.subarray(1000, 19_001_000), ...many]);
    expect(Buffer.compare(readFileSync(at('out')), expected)).toBe(0);
    source.close();
  });

  test('an overwritten file keeps its permissions, a new one gets those of any new file', async () => {
    writeFileSync(at('old'), 'old');
    chmodSync(at('old'), 0o640);
    await writeFile(at('old'), [text('new')]);
    expect(statSync(at('old')).mode & 0o777).toBe(0o640);
    expect(readFileSync(at('old'), 'utf8')).toBe('new');
    await writeFile(at('fresh'), [text('new')]);
    writeFileSync(at('plain'), '');
    expect(statSync(at('fresh')).mode).toBe(statSync(at('plain')).mode);
  });

  test('a symbolic link stays one, and the file behind it is written', async () => {
    writeFileSync(at('real'), 'old');
    symlinkSync('real', at('link'));
    await writeFile(at('link'), [text('new')]);
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('real'), 'utf8')).toBe('new');
  });

  test('nothing is left behind, and the old file stays, when it fails half way', async () => {
    writeFileSync(at('out'), 'old');
    writeFileSync(at('source'), pattern(100_000));
    const source = new FileSource(at('source'));
    const range = new ByteRange(source, 0, 100_000);
    truncateSync(at('source'), 10);
    await expect(writeFile(at('out'), [text('head'), range])).rejects.toThrow(code('io/changed'));
    await expect(writePair(at('out'), () => ({ main: [text('m')], side: [range] }))).rejects.toThrow(
      code('io/changed'),
    );
    await expect(writePair(at('out'), () => ({ main: [range], side: [text('s')] }))).rejects.toThrow(
      code('io/changed'),
    );
    expect(readdirSync(folder).sort()).toEqual(['out', 'source']);
    expect(readFileSync(at('out'), 'utf8')).toBe('old');
    source.close();
  });

  test.each([
    ['a folder', 'io/is-directory', 'dir'],
    ['a path without its folder', 'io/not-found', 'absent/out'],
    ['a path through a file', 'io/not-found', 'file/out'],
  ])('refuses %s, beforehand too', async (_what, error, name) => {
    mkdirSync(at('dir'));
    writeFileSync(at('file'), '');
    await expect(writeFile(at(name), [text('x')])).rejects.toThrow(code(error));
    await expect(checkWritable(at(name))).rejects.toThrow(code(error));
    expect(readdirSync(folder).sort()).toEqual(['dir', 'file']);
  });

  test('a file that is being read is not overwritten, under any of its names', async () => {
    writeFileSync(at('in'), 'input');
    symlinkSync('in', at('link'));
    linkSync(at('in'), at('hard'));
    const source = new FileSource(at('in'));
    for (const name of ['in', 'link', 'hard']) {
      await expect(writeFile(at(name), [text('x')])).rejects.toThrow(code('io/overwrites-input'));
      await expect(checkWritable(at(name))).rejects.toThrow(code('io/overwrites-input'));
    }
    expect(readFileSync(at('in'), 'utf8')).toBe('input');
    source.close();
    await writeFile(at('in'), [text('free')]);
    expect(readFileSync(at('in'), 'utf8')).toBe('free');
  });

  test('a full device is named as such', async () => {
    if (!existsSync('/dev/full')) return;
    await expect(writeFile('/dev/full', [pattern(10)])).rejects.toThrow(code('io/full'));
  });

  test('a side file gets a name that no model can refer to yet', async () => {
    const names: string[] = [];
    const write = (content: string): Promise<string> =>
      writePair(at('m.onnx'), (side) => {
        names.push(side);
        return { main: [text(`${content} ${side}`)], side: [text(content)] };
      });
    expect(await write('one')).toBe(at('m.onnx.data'));
    const second = await write('two');
    expect(names[0]).toBe('m.onnx.data');
    expect(names[1]).toMatch(/^m\.onnx\.[0-9a-f]{8}\.data$/);
    expect(readFileSync(at('m.onnx'), 'utf8')).toBe(`two ${names[1]}`);
    expect(readFileSync(second, 'utf8')).toBe('two');
    expect(readFileSync(at('m.onnx.data'), 'utf8')).toBe('one');
  });
});
