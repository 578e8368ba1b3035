import { ByteRange, sameBytes } from '../base/bytes.js';
import type { Tensor } from './tensor.js';

/** Data is read in pieces of this size, so that of a tensor in a file no more is in memory. */
const BLOCK = 1 << 20;

const rangeOf = (t: Tensor): ByteRange => t.range ?? ByteRange.of(t.bytes());

function* blocks(range: ByteRange): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < range.size; at += BLOCK) yield range.slice(at, Math.min(BLOCK, range.size - at)).bytes();
}

/** A 32-bit hash of the bytes (FNV-1a); of strings, of the bytes of all of them. Equal tensors of one type have equal hashes. */
export function hashTensor(t: Tensor): number {
  let hash = 0x811c9dc5;
  for (const block of t.strings?.() ?? blocks(rangeOf(t)))
    for (let i = 0; i < block.length; i++) hash = Math.imul(hash ^ (block[i] ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Whether two tensors have the same type, shape and bytes: NaNs and zeros of either sign are told apart by their bits. */
export function equalTensors(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  if (a.dtype !== b.dtype || a.byteLength !== b.byteLength || a.shape.join() !== b.shape.join()) return false;
  const [s, u] = [a.strings?.(), b.strings?.()];
  if (s && u) return s.every((bytes, i) => sameBytes(bytes, u[i] ?? new Uint8Array(0)));
  const [x, y] = [rangeOf(a), rangeOf(b)];
  for (let at = 0; at < x.size; at += BLOCK) {
    const size = Math.min(BLOCK, x.size - at);
    if (!sameBytes(x.slice(at, size).bytes(), y.slice(at, size).bytes())) return false;
  }
  return true;
}

const EDGE = 64;

/** Edges of tensors whose bytes would have to be made for them. */
const remembered = new WeakMap<Tensor, string>();

/** Gives a tensor whose bytes are not at hand the edges of one that has the same. */
export function rememberEdges(t: Tensor, same: Tensor): void {
  remembered.set(t, tensorEdges(same));
}

/** A cheap sign of the contents: the first and last bytes. Equal tensors have equal edges. */
export function tensorEdges(t: Tensor): string {
  if (t.strings) return String(hashTensor(t));
  const known = remembered.get(t);
  if (known !== undefined) return known;
  const range = rangeOf(t);
  const size = Math.min(EDGE, range.size);
  return `${range.slice(0, size).bytes().join()};${range
    .slice(range.size - size, size)
    .bytes()
    .join()}`;
}
