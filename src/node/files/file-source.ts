import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type ByteSource, memorySource } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { withIo } from './io-error.js';

/**
 * Small reads are served from windows, so that parsing costs few system calls; larger reads go straight to the file. A window is small where reading
 * jumps, from one tensor to the next, and twice as large as the last one where it goes on.
 */
const SMALLEST_WINDOW = 16 * 1024;
const LARGEST_WINDOW = 256 * 1024;

/** Reads from this size on are large. */
const LARGE = 64 * 1024;

/** One read call takes at most this much: the system's own limit is 2 GiB less a page. */
const MAX_READ = 1024 ** 3;

/** What comes through a pipe has to be held in memory; a protobuf message cannot be larger than this either. */
const MAX_PIPED = 2 * 1024 ** 3;

/** Which file it is, whatever it is called: device and inode. */
export const fileIdentity = (stat: BigIntStats): string => `${stat.dev}:${stat.ino}`;

const openFiles = new Map<string, number>();
const closer = new FinalizationRegistry<{ fd: number; identity: string }>(({ fd, identity }) => release(fd, identity));

function release(fd: number, identity: string): void {
  const left = (openFiles.get(identity) ?? 1) - 1;
  if (left > 0) openFiles.set(identity, left);
  else openFiles.delete(identity);
  closeSync(fd);
}

/** Whether a file is open as a source in this process: such a file is never overwritten. */
export const isOpenSource = (identity: string): boolean => openFiles.has(identity);

/** A plain file, read at positions. Its size is that at opening; a file that shrinks under us is an error when read. */
export class FileSource implements ByteSource {
  readonly size: number;
  readonly identity: string;
  readonly #fd: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;
  #open = true;

  /** Throws `io/*`. Pipes and devices are refused without waiting for them. `flags` are added to those of open(2). */
  constructor(
    readonly path: string,
    flags = 0,
  ) {
    this.#fd = withIo(path, 'read', () =>
      openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0) | flags),
    );
    const stat = fstatSync(this.#fd, { bigint: true });
    if (!stat.isFile()) {
      closeSync(this.#fd);
      throw notPlain(path, stat);
    }
    this.size = Number(stat.size);
    this.identity = fileIdentity(stat);
    openFiles.set(this.identity, (openFiles.get(this.identity) ?? 0) + 1);
    closer.register(this, { fd: this.#fd, identity: this.identity }, this);
  }

  /** How many names the file has. */
  get linkCount(): number {
    return fstatSync(this.#fd).nlink;
  }

  read(at: number, size: number): Uint8Array {
    if (size > LARGE) return this.#fetch(at, size);
    const start = at - this.#windowAt;
    if (start >= 0 && start + size <= this.#window.byteLength) return this.#window.subarray(start, start + size);
    // A fresh window each time: views of the last one are still held by others.
    const goesOn = start >= 0 && start <= this.#window.byteLength;
    const room = goesOn ? Math.min(2 * this.#window.byteLength, LARGEST_WINDOW) : 0;
    this.#window = this.#fetch(at, Math.max(size, Math.min(Math.max(room, SMALLEST_WINDOW), this.size - at)));
    this.#windowAt = at;
    return this.#window.subarray(0, size);
  }

  #fetch(at: number, size: number): Uint8Array {
    const out = new Uint8Array(size);
    this.#fill(at, out);
    return out;
  }

  readInto(at: number, out: Uint8Array): void {
    if (out.byteLength > LARGE) this.#fill(at, out);
    else out.set(this.read(at, out.byteLength));
  }

  #fill(at: number, out: Uint8Array): void {
    const size = out.byteLength;
    withIo(this.path, 'read', () => {
      for (let done = 0; done < size; ) {
        const n = readSync(this.#fd, out, done, Math.min(size - done, MAX_READ), at + done);
        if (n === 0) throw this.#shrunk(at + done, at + size);
        done += n;
      }
    });
  }

  #shrunk(end: number, wanted: number): CnnxError {
    return new CnnxError(
      'io/changed',
      `${printable(this.path)} had ${this.size} bytes and now ends at ${end}; bytes up to ${wanted} were asked for`,
      { at: { file: this.path, byte: end }, hint: 'something else is writing the file; try again when it is done' },
    );
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closer.unregister(this);
    release(this.#fd, this.identity);
  }
}

function notPlain(path: string, stat: BigIntStats): CnnxError {
  if (stat.isDirectory()) {
    return new CnnxError('io/is-directory', `cannot read ${printable(path)}: it is a folder`, {
      at: { file: path },
      hint: 'name a file in it',
    });
  }
  const what = stat.isFIFO() ? 'a pipe' : stat.isSocket() ? 'a socket' : 'a device';
  return new CnnxError('io/not-regular', `cannot read ${printable(path)}: it is ${what}, not a plain file`, {
    at: { file: path },
    hint: 'to read from a pipe, give - as the file',
  });
}

/** A file by its path, or all of standard input for '-'. Throws `io/*`. */
export async function openSource(path: string): Promise<ByteSource> {
  return path === '-' ? memorySource(await readPipe(process.stdin)) : new FileSource(path);
}

async function readPipe(pipe: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pipe) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    size += bytes.byteLength;
    if (size > MAX_PIPED) {
      throw new CnnxError('io/too-large', `more than ${MAX_PIPED} bytes on standard input`, {
        hint: 'write them to a file, and give its path',
      });
    }
    pieces.push(bytes);
  }
  return Buffer.concat(pieces, size);
}
