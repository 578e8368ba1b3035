import { gunzipSync } from 'node:zlib';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { isIdx, readIdx } from '../../formats/idx.js';
import { isNpy, readNpy } from '../../formats/npy.js';
import type { Tensor } from '../../tensor/tensor.js';
import { FileSource } from './file-source.js';

/** What a file of a data set may take once it is decompressed: MNIST's take 47 MB. */
const MAX_BYTES = 2 ** 31 - 1;

export const unreadable = (path: string, what: string, hint?: string): CnnxError =>
  new CnnxError('data/unreadable', `${printable(path)} ${what}`, { at: { file: path }, hint });

/** A whole file, decompressed where it is a gzip. Throws `data/unreadable` and `io/*`. */
export function readWhole(path: string): Uint8Array {
  const source = new FileSource(path);
  try {
    if (source.size > MAX_BYTES)
      throw unreadable(path, `has ${source.size} bytes; at most ${MAX_BYTES} are read at once`);
    const bytes = source.read(0, source.size);
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
    try {
      return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw unreadable(path, `is a damaged gzip file: ${why}`, 'download it again');
    }
  } finally {
    source.close();
  }
}

/** The array that bytes are, in IDX or .npy; undefined where they are neither. */
export function arrayOf(path: string, bytes: Uint8Array): Tensor | undefined {
  try {
    if (isNpy(bytes)) return readNpy(bytes);
    return isIdx(bytes) ? readIdx(bytes) : undefined;
  } catch (error) {
    throw error instanceof CnnxError ? error.within({ file: path }) : error;
  }
}
