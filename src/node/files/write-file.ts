import { randomBytes } from 'node:crypto';
import { type BigIntStats, closeSync, constants, existsSync, fchmodSync, fsync, openSync, renameSync } from 'node:fs';
import { access, mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Chunk } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { fileIdentity, isOpenSource } from './file-source.js';
import { withIoAsync } from './io-error.js';
import { discard, keep, removeAtExit } from './temp-files.js';
import { EarlySync, pieces, writeChunks } from './write-chunks.js';

const sync = promisify(fsync);

/** Where an output really goes: symbolic links followed, so that they stay; and what stands there now. */
interface Target {
  readonly path: string;
  readonly stat: BigIntStats | undefined;
}

async function findTarget(path: string): Promise<Target> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return { path, stat: undefined };
  if (found.isDirectory()) {
    throw new CnnxError('io/is-directory', `cannot write ${printable(path)}: it is a folder`, {
      at: { file: path },
      hint: 'name a file in it',
    });
  }
  refuseInput(path, found);
  await access(path, constants.W_OK);
  return { path: await realpath(path), stat: found };
}

function refuseInput(path: string, found: BigIntStats): void {
  if (!isOpenSource(fileIdentity(found))) return;
  throw new CnnxError('io/overwrites-input', `${printable(path)} is being read, and inputs are never overwritten`, {
    at: { file: path },
    hint: 'give another name with --out',
  });
}

/** Throws the error that writing `path` would end in, as far as it can be known without writing: before long work is done for it. */
export async function checkWritable(path: string): Promise<void> {
  if (path === '-') return;
  await withIoAsync(path, 'write', async () => {
    const target = await findTarget(path);
    if (target.stat && !target.stat.isFile()) return;
    const folder = dirname(target.path);
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    await access(folder, constants.W_OK | constants.X_OK);
  });
}

/**
 * Writes a file whole or not at all: a temporary file in the same folder, on disk before it is renamed into place. The permissions of a file
 * that it replaces are kept. '-' is standard output; a device or pipe is written straight. Throws `io/*`.
 */
export async function writeFile(path: string, chunks: Iterable<Chunk>): Promise<void> {
  if (path === '-') return writeStdout(chunks);
  await withIoAsync(path, 'write', async () => {
    const target = await findTarget(path);
    if (target.stat && !target.stat.isFile()) return writeStraight(target.path, chunks);
    const temporary = await writeBeside(target, chunks);
    try {
      renameSync(temporary, target.path);
    } catch (error) {
      discard(temporary);
      throw error;
    }
    keep(temporary);
    await syncFolder(dirname(target.path));
  });
}

/**
 * The same for a file with a side file. The side file is on disk first, under a name that nothing had, and `main` is made for that name; so
 * whoever opens `path` at any moment finds nothing, the old file, or the new file with all of its side file. Gives the side file's path.
 */
export async function writePair(
  path: string,
  make: (sideName: string) => { readonly main: Iterable<Chunk>; readonly side: Iterable<Chunk> },
): Promise<string> {
  return withIoAsync(path, 'write', async () => {
    const target = path === '-' ? undefined : await findTarget(path);
    if (!target || (target.stat && !target.stat.isFile())) {
      throw new CnnxError(
        'io/not-regular',
        `cannot write ${printable(path)} with a side file: it is not a plain file`,
        {
          hint: 'name a file with --out',
        },
      );
    }
    const folder = dirname(target.path);
    const sideName = freeSideName(target);
    const { main, side } = make(sideName);
    const sidePath = join(folder, sideName);
    await writeDurably(sidePath, side, undefined);
    let temporary: string | undefined;
    try {
      await syncFolder(folder);
      temporary = await writeBeside(target, main);
      renameSync(temporary, target.path);
    } catch (error) {
      if (temporary !== undefined) discard(temporary);
      discard(sidePath);
      throw error;
    }
    // No signal comes between the rename and these two: the pair is never torn apart.
    keep(temporary);
    keep(sidePath);
    await syncFolder(folder);
    return sidePath;
  });
}

/** `model.onnx.data`, or with random digits in it where a model may exist that refers to that. */
function freeSideName(target: Target): string {
  const name = basename(target.path);
  const plain = `${name}.data`;
  if (!target.stat && !existsSync(join(dirname(target.path), plain))) return plain;
  return `${name}.${randomBytes(4).toString('hex')}.data`;
}

async function writeBeside(target: Target, chunks: Iterable<Chunk>): Promise<string> {
  const path = join(dirname(target.path), `.cnnx-${randomBytes(6).toString('hex')}.tmp`);
  await writeDurably(path, chunks, target.stat);
  return path;
}

/** A new file, complete on disk when this returns, and removed at exit unless kept. Nothing stays if it fails. */
async function writeDurably(path: string, chunks: Iterable<Chunk>, like: BigIntStats | undefined): Promise<void> {
  const fd = openSync(path, 'wx');
  removeAtExit(path);
  const early = new EarlySync(fd);
  try {
    if (like) fchmodSync(fd, Number(like.mode & 0o7777n));
    await writeChunks(fd, chunks, (bytes) => early.wrote(bytes));
    await early.end();
    await sync(fd);
  } catch (error) {
    discard(path);
    await early.end().catch(() => undefined);
    throw error;
  } finally {
    closeSync(fd);
  }
}

async function writeStraight(path: string, chunks: Iterable<Chunk>): Promise<void> {
  const fd = openSync(path, 'w');
  try {
    await writeChunks(fd, chunks);
  } finally {
    closeSync(fd);
  }
}

/** A rename is only on disk when its folder is. Some systems cannot open or sync folders; there it is up to them. */
async function syncFolder(path: string): Promise<void> {
  try {
    const fd = openSync(path, 'r');
    await sync(fd).finally(() => closeSync(fd));
  } catch {
    return;
  }
}

function writeStdout(chunks: Iterable<Chunk>): Promise<void> {
  return withIoAsync('standard output', 'write', async () => {
    for (const piece of pieces(chunks)) {
      await new Promise<void>((done, fail) => {
        process.stdout.write(piece, (error) => (error ? fail(error) : done()));
      });
    }
  });
}

/** Makes a folder, and those above it, where they are not there yet. Throws `io/*`. */
export async function makeFolder(path: string): Promise<void> {
  await withIoAsync(path, 'write', () => mkdir(path, { recursive: true }));
}
