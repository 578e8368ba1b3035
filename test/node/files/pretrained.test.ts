import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cacheFolder } from '../../../src/node/files/cache-folder.js';
import { pretrainedPath } from '../../../src/node/files/pretrained.js';

const CONTENT = Buffer.alloc(300_000, 'weights ');
const SHA = createHash('sha256').update(CONTENT).digest('hex');
const FILE = { file: 'tiny-12345678.pth', sha256: SHA.slice(0, 8) };

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: string[];
let cache: string;

beforeEach(async () => {
  asked = [];
  answer = (_, response) => void response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cache = mkdtempSync(join(tmpdir(), 'cnnx-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  vi.stubEnv('CNNX_PRETRAINED_MIRROR', `${origin()}/models`);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(cache, { recursive: true });
});

const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const place = (): string => join(cache, 'cnnx', 'checkpoints', FILE.file);
const folder = (): string => join(cache, 'cnnx', 'checkpoints');

describe('a server that works', () => {
  test('the file comes, is checked, and stays', async () => {
    const progress: [number, number | undefined][] = [];
    const path = await pretrainedPath(FILE, { onProgress: (done, total) => progress.push([done, total]) });
    expect(path).toBe(place());
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
    expect(asked).toEqual(['/models/tiny-12345678.pth']);
    expect(progress.at(-1)).toEqual([CONTENT.length, CONTENT.length]);
    expect(await pretrainedPath(FILE)).toBe(path);
    expect(asked).toHaveLength(1);
    expect(readdirSync(folder())).toEqual([FILE.file]);
  });

  test('a file put there by hand is used without asking', async () => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(place(), CONTENT);
    expect(await pretrainedPath(FILE)).toBe(place());
    expect(asked).toEqual([]);
  });

  test('a damaged file in the cache is replaced', async () => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(place(), CONTENT.subarray(1));
    await pretrainedPath(FILE);
    expect(readFileSync(place()).equals(CONTENT)).toBe(true);
  });

  test('two at once both end with the whole file', async () => {
    const [a, b] = await Promise.all([pretrainedPath(FILE), pretrainedPath(FILE)]);
    expect(a).toBe(b);
    expect(readFileSync(a).equals(CONTENT)).toBe(true);
    expect(readdirSync(folder())).toEqual([FILE.file]);
  });

  test('redirects and unknown lengths are fine', async () => {
    answer = (request, response) => {
      if (request.url?.startsWith('/models/')) response.writeHead(302, { location: '/elsewhere' }).end();
      else {
        response.write(CONTENT.subarray(0, 1000));
        response.end(CONTENT.subarray(1000));
      }
    };
    await pretrainedPath(FILE);
    expect(statSync(place()).size).toBe(CONTENT.length);
  });

  test('a mirror may end in a slash', async () => {
    vi.stubEnv('CNNX_PRETRAINED_MIRROR', `${origin()}/a/`);
    await pretrainedPath(FILE);
    expect(asked).toEqual(['/a/tiny-12345678.pth']);
  });
});

describe('a server that does not', () => {
  const cases: [string, string, RegExp, () => void][] = [
    [
      'has no such file',
      'pretrained/unavailable',
      /answers 404/,
      () => (answer = (_, r) => void r.writeHead(404).end('no')),
    ],
    ['fails', 'pretrained/unavailable', /answers 503/, () => (answer = (_, r) => void r.writeHead(503).end())],
    [
      'hangs up at once',
      'pretrained/unreachable',
      /tiny-12345678\.pth/,
      () => (answer = (request) => void request.socket.destroy()),
    ],
    [
      'sends less than it promised',
      'pretrained/unreachable',
      /tiny-12345678\.pth/,
      () => {
        answer = (request, r) => {
          r.writeHead(200, { 'content-length': CONTENT.length });
          r.write(CONTENT.subarray(0, 1000), () => request.socket.destroy());
        };
      },
    ],
    [
      'sends less and does not say',
      'pretrained/checksum',
      /1000 bytes came/,
      () => (answer = (_, r) => void r.writeHead(200).end(CONTENT.subarray(0, 1000))),
    ],
    ['never answers', 'pretrained/unreachable', /nothing came for 0\.2 seconds/, () => (answer = () => {})],
    [
      'stops in the middle',
      'pretrained/unreachable',
      /nothing came for 0\.2 seconds/,
      () => {
        answer = (_, r) => void r.writeHead(200, { 'content-length': CONTENT.length }).write(CONTENT.subarray(0, 1000));
      },
    ],
    [
      'sends other bytes',
      'pretrained/checksum',
      /300000 bytes came with SHA-256/,
      () => (answer = (_, r) => void r.end(Buffer.alloc(CONTENT.length, 'WEIGHTS '))),
    ],
    [
      'sends a web page',
      'pretrained/checksum',
      /look like an HTML page/,
      () => (answer = (_, r) => void r.end('<!DOCTYPE html><html>Please log in</html>')),
    ],
    ['sends nothing', 'pretrained/checksum', /0 bytes came/, () => (answer = (_, r) => void r.end())],
    [
      'is not there',
      'pretrained/unreachable',
      /ECONNREFUSED/,
      () => vi.stubEnv('CNNX_PRETRAINED_MIRROR', 'http://127.0.0.1:3'),
    ],
    [
      'has no address',
      'pretrained/unreachable',
      /no\.such\.host\.invalid/,
      () => vi.stubEnv('CNNX_PRETRAINED_MIRROR', 'http://no.such.host.invalid'),
    ],
  ];
  test.each(cases)('%s: %s', async (_, code, words, arrange) => {
    arrange();
    const error = await pretrainedPath(FILE, { stalledAfterMs: 200 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code, exitCode: 3, message: expect.stringMatching(words) });
    // The file, its address, and where to put it.
    const base = process.env['CNNX_PRETRAINED_MIRROR'] ?? '';
    expect(error).toMatchObject({
      message: expect.stringContaining(FILE.file),
      hint: expect.stringMatching(new RegExp(`get ${base}/tiny-12345678\\.pth .* put it at ${place()}`)),
    });
    expect(existsSync(folder()) ? readdirSync(folder()) : []).toEqual([]);
  });

  test('a damaged file in the cache stays as it is when no other comes', async () => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(place(), 'half');
    answer = (_, response) => void response.writeHead(500).end();
    await expect(pretrainedPath(FILE)).rejects.toMatchObject({ code: 'pretrained/unavailable' });
    expect(readFileSync(place(), 'utf8')).toBe('half');
  });
});

describe('what is refused before anything is asked', () => {
  test.each(['../x.pth', 'a/b.pth', '/etc/passwd', '.hidden', '', 'a\\b', 'a?b'])('the file name %s', async (file) => {
    await expect(pretrainedPath({ ...FILE, file })).rejects.toMatchObject({ code: 'pretrained/name', exitCode: 2 });
    expect(asked).toEqual([]);
  });

  test.each(['not an address', 'file:///models', 'ftp://x/y'])('the mirror %s', async (mirror) => {
    vi.stubEnv('CNNX_PRETRAINED_MIRROR', mirror);
    await expect(pretrainedPath(FILE)).rejects.toMatchObject({ code: 'pretrained/mirror', exitCode: 2 });
  });

  test('a cache that cannot be written', async () => {
    writeFileSync(join(cache, 'cnnx'), 'a file where the folder should be');
    await expect(pretrainedPath(FILE)).rejects.toMatchObject({ exitCode: 4 });
    expect(asked).toEqual([]);
  });
});

test.each([
  ['linux', {}, '/home/me/.cache/cnnx'],
  ['linux', { XDG_CACHE_HOME: '/big' }, '/big/cnnx'],
  ['linux', { XDG_CACHE_HOME: 'relative' }, '/home/me/.cache/cnnx'],
  ['darwin', {}, '/home/me/Library/Caches/cnnx'],
  ['win32', { LOCALAPPDATA: '/local' }, '/local/cnnx/Cache'],
] as const)('the cache folder on %s with %o', (platform, env, expected) => {
  expect(cacheFolder(env, platform, '/home/me')).toBe(expected);
});
