import { crc32 } from 'node:zlib';
import type { ByteSource } from '../../src/base/bytes.js';

export interface ZipInput {
  readonly name: string;
  readonly data: Uint8Array;
  /** Zeros in front of the data, which are part of it: for entries that no memory would hold. */
  readonly zeros?: number;
  /** What to say otherwise than it is. */
  readonly crc?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly localName?: string;
  readonly at?: number;
}

/**
 * A zip archive of stored entries, written from the format's description, with zip64 records throughout if asked for.
 */
export function zipFile(inputs: readonly ZipInput[], zip64 = false): ByteSource {
  const pieces: (Uint8Array | number)[] = [];
  let at = 0;
  const put = (piece: Uint8Array | number): void => {
    pieces.push(piece);
    at += typeof piece === 'number' ? piece : piece.length;
  };
  const central: Uint8Array[] = [];
  for (const input of inputs) {
    const { name, data, zeros = 0, method = 0, flags = 0 } = input;
    const start = input.at ?? at;
    const size = zeros + data.length;
    const crc = input.crc ?? crc32(data);
    const localName = Buffer.from(input.localName ?? name);
    put(
      bytes([
        'u32',
        0x04034b50,
        'u16',
        45,
        'u16',
        flags,
        'u16',
        method,
        'u32',
        0,
        'u32',
        crc,
        'u32',
        0,
        'u32',
        0,
        'u16',
        localName.length,
        'u16',
        0,
      ]),
    );
    put(localName);
    if (zeros > 0) put(zeros);
    put(data);
    const extra = zip64 ? bytes(['u16', 1, 'u16', 24, 'u64', size, 'u64', size, 'u64', start]) : new Uint8Array(0);
    const n = (value: number): number => (zip64 ? 0xffffffff : value);
    central.push(
      Buffer.concat([
        bytes([
          'u32',
          0x02014b50,
          'u16',
          45,
          'u16',
          45,
          'u16',
          flags,
          'u16',
          method,
          'u32',
          0,
          'u32',
          crc,
          'u32',
          n(size),
          'u32',
          n(size),
        ]),
        bytes([
          'u16',
          Buffer.from(name).length,
          'u16',
          extra.length,
          'u16',
          0,
          'u16',
          0,
          'u16',
          0,
          'u32',
          0,
          'u32',
          n(start),
        ]),
        Buffer.from(name),
        extra,
      ]),
    );
  }
  const directory = Buffer.concat(central);
  const directoryAt = at;
  put(directory);
  if (zip64) {
    const end64 = at;
    put(
      bytes([
        'u32',
        0x06064b50,
        'u64',
        44,
        'u16',
        45,
        'u16',
        45,
        'u32',
        0,
        'u32',
        0,
        'u64',
        inputs.length,
        'u64',
        inputs.length,
        'u64',
        directory.length,
        'u64',
        directoryAt,
      ]),
    );
    put(bytes(['u32', 0x07064b50, 'u32', 0, 'u64', end64, 'u32', 1]));
  }
  const [count, size, offset] = zip64
    ? [0xffff, 0xffffffff, 0xffffffff]
    : [inputs.length, directory.length, directoryAt];
  put(bytes(['u32', 0x06054b50, 'u16', 0, 'u16', 0, 'u16', count, 'u16', count, 'u32', size, 'u32', offset, 'u16', 0]));
  return sparse(pieces, at);
}

function bytes(fields: readonly (string | number)[]): Uint8Array {
  const out: Buffer[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const value = Number(fields[i + 1]);
    const field = Buffer.alloc(fields[i] === 'u16' ? 2 : fields[i] === 'u32' ? 4 : 8);
    if (field.length === 2) field.writeUInt16LE(value);
    else if (field.length === 4) field.writeUInt32LE(value);
    else field.writeBigUInt64LE(BigInt(value));
    out.push(field);
  }
  return Buffer.concat(out);
}

/** Pieces one after another; a number is that many zeros, made only where they are read. */
function sparse(pieces: readonly (Uint8Array | number)[], size: number): ByteSource {
  return {
    size,
    read(at, count) {
      const out = new Uint8Array(count);
      let start = 0;
      for (const piece of pieces) {
        const length = typeof piece === 'number' ? piece : piece.length;
        const from = Math.max(at, start);
        const to = Math.min(at + count, start + length);
        if (typeof piece !== 'number' && from < to) out.set(piece.subarray(from - start, to - start), from - at);
        start += length;
      }
      return out;
    },
  };
}
