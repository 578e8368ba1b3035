import { ByteRange, type ByteSource } from '../base/bytes.js';
import { Crc32 } from '../base/crc32.js';
import { CnnxError, type ErrorCode } from '../base/errors.js';
import { LIMITS, READ_AHEAD } from '../base/limits.js';
import { decodeName, printable } from '../base/text.js';

/**
 * The directory of a zip file whose entries are stored, not compressed, which is what `torch.save` writes (with zip64
 * where sizes ask for it). Reading is by position: nothing but the directory and one local header per entry is touched.
 * A library does not fit here: yauzl is asynchronous and needs Node's `fs`, the ones for browsers want the whole file
 * in memory, and all of them hand out copies where a weight should stay a range of the file. Layout: PKWARE APPNOTE.TXT
 * 6.3.10, sections 4.3 and 4.5.3.
 */
export class ZipArchive {
  private constructor(private readonly entries: ReadonlyMap<string, ZipEntry>) {}

  /**
   * Reads the directory. Throws `zip/directory` for a broken one, and `zip/unsupported` for encryption and several
   * disks.
   */
  static open(source: ByteSource): ZipArchive {
    const directory = findDirectory(source);
    const entries = readDirectory(source, directory);
    refuseOverlaps(entries.values());
    return new ZipArchive(entries);
  }

  /** In the order of the directory. Names are data: nothing is ever written under them. */
  names(): string[] {
    return [...this.entries.keys()];
  }

  get(name: string): ZipEntry | undefined {
    return this.entries.get(name);
  }
}

/**
 * One stored entry. Its checksum is compared the first time its data is asked for, and only then: opening a large file
 * stays cheap.
 */
export class ZipEntry implements ByteSource {
  private checked = false;

  constructor(
    readonly name: string,
    /** Where its local header begins. */
    readonly start: number,
    private readonly range: ByteRange,
    private readonly crc: number,
    private readonly method: number,
  ) {}

  get size(): number {
    return this.range.size;
  }

  /** Where its data ends. */
  get end(): number {
    return this.range.at + this.range.size;
  }

  /** All of it, or a part. Throws `zip/checksum` if the entry as a whole is not what was stored. */
  read(at = 0, size = this.size): Uint8Array {
    if (this.method !== STORED) {
      throw new CnnxError(
        'zip/unsupported',
        `entry ${printable(this.name)} is compressed (method ${this.method}); torch.save stores entries as they are`,
        { hint: 'unpack the archive and pack it again without compression: zip -0 -r' },
      );
    }
    const part = this.range.slice(at, size);
    if (this.checked) return part.bytes();
    if (at === 0 && size === this.size) {
      const bytes = part.bytes();
      this.compare(new Crc32().update(bytes).value);
      return bytes;
    }
    const crc = new Crc32();
    for (let i = 0; i < this.size; i += READ_AHEAD) {
      crc.update(this.range.slice(i, Math.min(READ_AHEAD, this.size - i)).bytes());
    }
    this.compare(crc.value);
    return part.bytes();
  }

  private compare(found: number): void {
    if (found !== this.crc) {
      throw new CnnxError(
        'zip/checksum',
        `entry ${printable(this.name)} has CRC-32 ${hex(found)}; ${hex(this.crc)} was stored with it: its ${this.size} bytes are damaged`,
        { at: { byte: this.range.at }, hint: 'copy or download the file again' },
      );
    }
    this.checked = true;
  }
}

const STORED = 0;
const END = 0x06054b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_SIZE = 20;
const END64 = 0x06064b50;
const END64_SIZE = 56;
const CENTRAL = 0x02014b50;
const CENTRAL_SIZE = 46;
const LOCAL = 0x04034b50;
const LOCAL_SIZE = 30;
const ZIP64_EXTRA = 1;
const ENCRYPTED = 1;

interface Directory {
  readonly at: number;
  readonly size: number;
  readonly count: number;
}

function findDirectory(source: ByteSource): Directory {
  const tail = Math.min(source.size, END_SIZE + LONGEST_COMMENT);
  const view = viewOf(new ByteRange(source, source.size - tail, tail));
  for (let i = tail - END_SIZE; i >= 0; i--) {
    if (view.getUint32(i, true) !== END || i + END_SIZE + view.getUint16(i + 20, true) !== tail) continue;
    const end = source.size - tail + i;
    const disk = view.getUint16(i + 4, true);
    if (disk !== 0 && disk !== 0xffff) throw unsupported('it is one part of an archive on several disks');
    const found = {
      count: view.getUint16(i + 10, true),
      size: view.getUint32(i + 12, true),
      at: view.getUint32(i + 16, true),
    };
    const directory = findDirectory64(source, end) ?? found;
    if (directory.at + directory.size > end) {
      throw broken(
        `the directory would end at byte ${directory.at + directory.size}, after its end record at ${end}`,
        end,
      );
    }
    return directory;
  }
  throw new CnnxError('zip/directory', 'the file begins like a zip archive but has no end record: it was cut off', {
    at: { byte: source.size },
    hint: 'copy or download the file again',
  });
}

function findDirectory64(source: ByteSource, end: number): Directory | undefined {
  if (end < LOCATOR64_SIZE) return undefined;
  const locator = viewOf(new ByteRange(source, end - LOCATOR64_SIZE, LOCATOR64_SIZE));
  if (locator.getUint32(0, true) !== LOCATOR64) return undefined;
  const at = safe(locator.getBigUint64(8, true), end);
  if (at + END64_SIZE > end) throw broken(`the zip64 end record would begin at byte ${at}`, end - LOCATOR64_SIZE);
  const view = viewOf(new ByteRange(source, at, END64_SIZE));
  if (view.getUint32(0, true) !== END64) throw broken('the zip64 end record is not where its locator says', at);
  return {
    count: safe(view.getBigUint64(32, true), at),
    size: safe(view.getBigUint64(40, true), at),
    at: safe(view.getBigUint64(48, true), at),
  };
}

function readDirectory(source: ByteSource, directory: Directory): Map<string, ZipEntry> {
  if (directory.count > LIMITS.zipEntries || directory.size > LIMITS.zipDirectory) {
    throw broken(
      `${directory.count} entries in a directory of ${directory.size} bytes are more than any checkpoint has`,
      directory.at,
    );
  }
  const range = new ByteRange(source, directory.at, directory.size);
  const bytes = range.bytes();
  const view = viewOf(ByteRange.of(bytes));
  const entries = new Map<string, ZipEntry>();
  let i = 0;
  for (let n = 0; n < directory.count; n++) {
    const where = directory.at + i;
    if (i + CENTRAL_SIZE > bytes.length || view.getUint32(i, true) !== CENTRAL) {
      throw broken(`the directory has ${n} entries; ${directory.count} were announced`, where);
    }
    const nameSize = view.getUint16(i + 28, true);
    const extraSize = view.getUint16(i + 30, true);
    const next = i + CENTRAL_SIZE + nameSize + extraSize + view.getUint16(i + 32, true);
    if (next > bytes.length) throw broken('an entry of the directory runs past its end', where);
    const nameBytes = bytes.subarray(i + CENTRAL_SIZE, i + CENTRAL_SIZE + nameSize);
    const name = decodeName(nameBytes);
    if (view.getUint16(i + 8, true) & ENCRYPTED) throw unsupported(`entry ${printable(name)} is encrypted`);
    if (entries.has(name)) throw broken(`two entries are called ${printable(name)}`, where);
    const extra = bytes.subarray(i + CENTRAL_SIZE + nameSize, i + CENTRAL_SIZE + nameSize + extraSize);
    const { stored, at } = sizes(view, i, extra, where);
    const data = dataRange(source, at, nameBytes, stored, directory.at);
    entries.set(name, new ZipEntry(name, at, data, view.getUint32(i + 16, true), view.getUint16(i + 10, true)));
    i = next;
  }
  return entries;
}

/** The stored size and the place of an entry, from the 64-bit extra field where the 32-bit ones are full. */
function sizes(view: DataView, i: number, extra: Uint8Array, where: number): { stored: number; at: number } {
  const full: number = view.getUint32(i + 24, true);
  const packed = view.getUint32(i + 20, true);
  const offset = view.getUint32(i + 42, true);
  const wide = zip64Fields(extra, where);
  const take = (narrow: number): number => {
    if (narrow !== 0xffffffff) return narrow;
    const value = wide.shift();
    if (value === undefined) throw broken('a size is missing from the zip64 field of an entry', where);
    return safe(value, where);
  };
  const size = take(full);
  const stored = take(packed);
  if (view.getUint16(i + 10, true) === STORED && size !== stored) {
    throw broken(`an entry of ${size} bytes is stored in ${stored}`, where);
  }
  return { stored, at: take(offset) };
}

function zip64Fields(extra: Uint8Array, where: number): bigint[] {
  const view = viewOf(ByteRange.of(extra));
  for (let i = 0; i + 4 <= extra.length; ) {
    const size = view.getUint16(i + 2, true);
    if (i + 4 + size > extra.length) throw broken('an extra field runs past its entry', where);
    if (view.getUint16(i, true) === ZIP64_EXTRA) {
      return Array.from({ length: Math.floor(size / 8) }, (_, k) => view.getBigUint64(i + 4 + 8 * k, true));
    }
    i += 4 + size;
  }
  return [];
}

/** The data behind a local header, which has to carry the name that the directory gives it. */
function dataRange(source: ByteSource, at: number, name: Uint8Array, size: number, end: number): ByteRange {
  if (at + LOCAL_SIZE > end) throw broken(`an entry would begin at byte ${at}, beyond the data`, at);
  const header = viewOf(new ByteRange(source, at, LOCAL_SIZE));
  if (header.getUint32(0, true) !== LOCAL) throw broken(`there is no entry at byte ${at}`, at);
  const nameSize = header.getUint16(26, true);
  const start = at + LOCAL_SIZE + nameSize + header.getUint16(28, true);
  if (start + size > end) throw broken(`an entry would end at byte ${start + size}; the data ends at ${end}`, at);
  const local = new ByteRange(source, at + LOCAL_SIZE, nameSize).bytes();
  if (nameSize !== name.length || local.some((b, k) => b !== name[k])) {
    throw broken(`the entry at byte ${at} has another name than the directory gives it`, at);
  }
  return new ByteRange(source, start, size);
}

function refuseOverlaps(entries: Iterable<ZipEntry>): void {
  let last = 0;
  for (const entry of [...entries].sort((a, b) => a.start - b.start)) {
    if (entry.start < last) throw broken(`entry ${printable(entry.name)} begins within another one`, entry.start);
    last = entry.end;
  }
}

function viewOf(range: ByteRange): DataView {
  const bytes = range.bytes();
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function safe(value: bigint, byte: number): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw broken(`a size of ${value} bytes`, byte);
  return Number(value);
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');
const problem = (code: ErrorCode, message: string, byte?: number): CnnxError =>
  new CnnxError(code, `the zip archive cannot be read: ${message}`, byte === undefined ? {} : { at: { byte } });
const broken = (message: string, byte: number): CnnxError => problem('zip/directory', message, byte);
const unsupported = (message: string): CnnxError => problem('zip/unsupported', message);
