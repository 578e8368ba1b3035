import { fdatasync, writev } from 'node:fs';
import { promisify } from 'node:util';
import type { Chunk } from '../../base/bytes.js';

const writePieces = promisify(writev);
const syncData = promisify(fdatasync);

/** Ranges are asked for in blocks of at most this size. */
const BLOCK = 8 * 1024 * 1024;

/** Ranges of other files are copied through so much memory, used again and again. */
const COPY_MEMORY = 4 * 1024 * 1024;

const ALIGNMENT = 8;

/** From so many bytes on, those that were written are put on disk, while others are written. */
const SYNC_EVERY = 16 * 1024 * 1024;

/** One system call takes at most this many pieces (IOV_MAX is 1024) and about this many bytes. */
const MAX_PIECES = 512;
const MAX_BATCH = 16 * 1024 * 1024;

/** Pieces as views of memory, ranges in blocks that are read when their turn comes. */
export function* pieces(chunks: Iterable<Chunk>): Generator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    if (chunk instanceof Uint8Array) {
      if (chunk.byteLength > 0) yield chunk;
      continue;
    }
    for (let at = 0; at < chunk.size; at += BLOCK) yield chunk.slice(at, Math.min(BLOCK, chunk.size - at)).bytes();
  }
}

/** Puts what was written on disk while more is written, so that there is little to wait for at the end. */
export class EarlySync {
  #unsynced = 0;
  #idle = true;
  #syncs: Promise<void> = Promise.resolve();

  constructor(readonly fd: number) {}

  wrote(bytes: number): void {
    this.#unsynced += bytes;
    if (this.#unsynced < SYNC_EVERY || !this.#idle) return;
    this.#unsynced = 0;
    this.#idle = false;
    this.#syncs = this.#syncs.then(async () => {
      await syncData(this.fd);
      this.#idle = true;
    });
    // The system tells of a failure once, so it is kept for whoever waits for the end.
    this.#syncs.catch(() => undefined);
  }

  /** Throws what any of them threw. */
  end(): Promise<void> {
    return this.#syncs;
  }
}

/** Writes all pieces in order from the file's present position: one batch is on its way while the next is read or made. `wrote` hears of each. */
export async function writeChunks(
  fd: number,
  chunks: Iterable<Chunk>,
  wrote: (bytes: number) => void = () => undefined,
): Promise<void> {
  const memories = [new Uint8Array(COPY_MEMORY), new Uint8Array(COPY_MEMORY)] as const;
  let memory: Uint8Array = memories[0];
  let used = 0;
  let batch: Uint8Array[] = [];
  let size = 0;
  let writing = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    writing = writeBatch(fd, batch).then(wrote);
    // Whether it failed is asked before the next batch, and at the end.
    writing.catch(() => undefined);
    memory = memory === memories[0] ? memories[1] : memories[0];
    used = 0;
    batch = [];
    size = 0;
  };
  const add = async (piece: Uint8Array): Promise<void> => {
    batch.push(piece);
    size += piece.byteLength;
    if (batch.length >= MAX_PIECES || size >= MAX_BATCH) await flush();
  };
  try {
    for (const chunk of chunks) {
      if (chunk instanceof Uint8Array || !chunk.source.readInto) {
        for (const piece of pieces([chunk])) await add(piece);
        continue;
      }
      for (let at = 0; at < chunk.size; ) {
        // Numbers are scaled where they are read to, in memory that is aligned.
        used = Math.ceil(used / ALIGNMENT) * ALIGNMENT;
        if (used === memory.length) await flush();
        const part = memory.subarray(used, Math.min(memory.length, used + chunk.size - at));
        chunk.readInto(at, part);
        used += part.length;
        at += part.length;
        await add(part);
      }
    }
    await flush();
  } finally {
    await writing;
  }
}

/** Gives how many bytes there were. */
async function writeBatch(fd: number, batch: readonly Uint8Array[]): Promise<number> {
  let total = 0;
  for (let rest = batch; rest.length > 0; ) {
    const { bytesWritten } = await writePieces(fd, rest);
    total += bytesWritten;
    rest = drop(rest, bytesWritten);
  }
  return total;
}

/** What is left after the first `count` bytes were written: the system may take fewer than it was given. */
function drop(batch: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  for (const [i, piece] of batch.entries()) {
    if (left < piece.byteLength) return [piece.subarray(left), ...batch.slice(i + 1)];
    left -= piece.byteLength;
  }
  return [];
}
