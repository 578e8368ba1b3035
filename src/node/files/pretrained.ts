import { createHash, type Hash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { CnnxError, type ErrorCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { printable } from '../../base/text.js';
import { describeContent } from '../../formats/state-dict.js';
import { cacheFolder } from './cache-folder.js';
import { withIoAsync } from './io-error.js';
import { discard, keep, removeAtExit } from './temp-files.js';
import { makeFolder } from './write-file.js';

/** Where torchvision's weights are published; `CNNX_PRETRAINED_MIRROR` stands for another place with the same file names. */
const PUBLISHED = 'https://download.pytorch.org/models/';

/** A server that sends nothing for so long, in milliseconds, has stalled. */
const STALLED = 30_000;

/** A published file, as a card has it. */
export interface PretrainedFile {
  readonly file: string;
  /** The first hexadecimal digits of its SHA-256. */
  readonly sha256: string;
}

/** Whether and where published weights are downloaded. */
export interface DownloadOptions {
  /** Called with the bytes that have come, and how many will, if the server says. */
  readonly onProgress?: ((done: number, total: number | undefined) => void) | undefined;
  /** 30 seconds if absent. */
  readonly stalledAfterMs?: number | undefined;
}

/** One file and the two places that it has. */
interface Place extends PretrainedFile {
  readonly url: string;
  readonly path: string;
}

/**
 * The path of a published file: from the user's cache if it is there and sound, downloaded otherwise. Its checksum is compared before its
 * path is given, every time, and a download appears in the cache whole or not at all. Throws `pretrained/...` with the file's address and
 * where to put it by hand; `io/...` if the cache cannot be written.
 */
export async function pretrainedPath(published: PretrainedFile, options: DownloadOptions = {}): Promise<string> {
  const { file, sha256 } = published;
  if (!/^\w[\w.+-]*$/.test(file)) {
    throw new CnnxError('pretrained/name', `a card names ${printable(file)}; the plain name of a file was expected`);
  }
  const folder = join(cacheFolder(), 'checkpoints');
  const place: Place = { file, sha256, url: address(file), path: join(folder, file) };
  if ((await hashOf(place.path))?.startsWith(sha256)) return place.path;
  await makeFolder(folder);
  await download(place, folder, options);
  return place.path;
}

function address(file: string): string {
  const mirror = process.env['CNNX_PRETRAINED_MIRROR'];
  if (!mirror) return PUBLISHED + file;
  const base = mirror.endsWith('/') ? mirror : `${mirror}/`;
  if (URL.canParse(base) && /^https?:$/.test(new URL(base).protocol)) return new URL(file, base).href;
  throw new CnnxError(
    'pretrained/mirror',
    `CNNX_PRETRAINED_MIRROR is ${printable(mirror)}; an http or https address was expected`,
  );
}

/** SHA-256 of a file, or nothing if there is none that can be read. */
async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}

async function download(place: Place, folder: string, options: DownloadOptions): Promise<void> {
  const temporary = join(folder, `.${place.file}.${randomBytes(6).toString('hex')}.tmp`);
  removeAtExit(temporary);
  try {
    await withIoAsync(place.path, 'write', async () => {
      await fetchInto(place, temporary, options);
      await rename(temporary, place.path);
    });
    keep(temporary);
  } catch (error) {
    discard(temporary);
    throw error;
  }
}

async function fetchInto(
  place: Place,
  temporary: string,
  { onProgress, stalledAfterMs = STALLED }: DownloadOptions,
): Promise<void> {
  const watch = new Watch(stalledAfterMs);
  const handle = await open(temporary, 'wx');
  try {
    const response = await network(place, watch, () => fetch(place.url, { signal: watch.signal }));
    if (!response.ok || !response.body) {
      throw failed(
        'pretrained/unavailable',
        place,
        `the server answers ${response.status} ${printable(response.statusText, 40)}`.trimEnd(),
      );
    }
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    const total = Number.isFinite(length) && !response.headers.has('content-encoding') ? length : undefined;
    const body = response.body.getReader();
    const received = new Received();
    for (;;) {
      const { done, value } = await network(place, watch, () => body.read());
      if (done) break;
      received.add(value);
      if (received.size > LIMITS.download)
        throw failed('pretrained/unavailable', place, `the server sends more than ${LIMITS.download} bytes`);
      for (let at = 0; at < value.length; ) at += (await handle.write(value, at)).bytesWritten;
      onProgress?.(received.size, total);
    }
    received.check(place);
    await handle.sync();
  } finally {
    watch.stop();
    await handle.close();
  }
}

/** What has come so far. */
class Received {
  size = 0;
  #head = new Uint8Array(0);
  readonly #hash: Hash = createHash('sha256');

  add(piece: Uint8Array): void {
    this.size += piece.length;
    this.#hash.update(piece);
    if (this.#head.length < HEAD) this.#head = new Uint8Array(Buffer.concat([this.#head, piece.subarray(0, HEAD)]));
  }

  check(place: Place): void {
    const found = this.#hash.digest('hex');
    if (found.startsWith(place.sha256)) return;
    const like = describeContent(this.#head);
    throw failed(
      'pretrained/checksum',
      place,
      `${this.size} bytes came with SHA-256 ${found.slice(0, 16)}…; ${place.sha256}… was expected${like === undefined ? '' : `. They look like ${like}`}`,
    );
  }
}

const HEAD = 512;

/** Ends a request when nothing has come for a while. */
class Watch {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  stalled = false;

  constructor(readonly afterMs: number) {}

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.stalled = true;
      this.#controller.abort();
    }, this.afterMs);
  }

  /** Also ends the request, if it still runs. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}

/** One step of the transfer, whose failures are the network's. */
async function network<T>(place: Place, watch: Watch, step: () => Promise<T>): Promise<T> {
  watch.restart();
  try {
    return await step();
  } catch (cause) {
    const why = watch.stalled ? `nothing came for ${watch.afterMs / 1000} seconds` : reason(cause);
    throw failed('pretrained/unreachable', place, why, cause);
  }
}

/** fetch says "fetch failed" and keeps the reason as its cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && cause.message !== '') return printable(cause.message);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
  return printable(code);
}

function failed(code: ErrorCode, { file, url, path }: Place, why: string, cause?: unknown): CnnxError {
  return new CnnxError(code, `${file} could not be had from ${url}: ${why}`, {
    cause,
    hint: `get ${url} on a machine that can, and put it at ${path}`,
  });
}
