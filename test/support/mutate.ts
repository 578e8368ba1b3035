import { printWire, random, type WireField } from './wire.js';

/*
 * Files changed at random, but as files of their format: most changes keep the protobuf sound, so that they reach what
 * comes after the reader. The same seed gives the same file.
 */

type Pick = (below: number) => number;

/** A field that can be changed in place. */
interface Piece {
  readonly number: number;
  readonly wire: number;
  value: bigint | Uint8Array;
  children: Piece[] | undefined;
  readonly type: string | undefined;
}

/** Where a piece stands: in which list, at which index, in a message of which type. */
interface Place {
  readonly piece: Piece;
  readonly list: Piece[];
  readonly index: number;
  readonly parent: string;
}

/** What to put where numbers stand: sizes, axes, kinds and versions that are just beyond something. */
const NUMBERS: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  4n,
  5n,
  7n,
  8n,
  13n,
  16n,
  64n,
  100n,
  255n,
  65_536n,
  100_000n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 40n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  -1n,
  -2n,
  -3n,
  -4n,
  -100n,
  -(2n ** 31n),
  -(2n ** 53n),
  -(2n ** 63n),
];

const NAMES: readonly string[] = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  '..',
  '/etc/passwd',
  '\u0000',
  '\u001b[2J',
  '\u202e',
  '\ufeff',
  'a\nb',
  'ai.onnx',
  'com.microsoft',
];

/** A file may grow by copies of its parts only so far: what is large has tests of its own. */
const MAX_PIECES = 3000;

const utf8 = new TextEncoder();

/** A file made of `tree` by one to five changes. `operators` are names that an operator may get. */
export function mutate(tree: readonly WireField[], seed: number, operators: readonly string[]): Uint8Array {
  const pick = random(seed);
  const root = tree.map(copyOf);
  const names = [...operators, ...NAMES];
  const changes = 1 + pick(5);
  for (let i = 0; i < changes; i++) {
    const places = placesIn(root);
    const place = places[pick(places.length)];
    if (!place || places.length > MAX_PIECES) break;
    const kind = pick(10);
    if (kind < 2) rearrange(place, pick);
    else if (kind < 4) graft(place, places, pick);
    else change(kind < 6 ? anyLeaf(places, pick) : place, places, names, pick);
  }
  const bytes = printWire(root);
  return pick(8) === 0 ? damaged(bytes, pick) : bytes;
}

function copyOf(field: WireField | Piece): Piece {
  const { number, wire, value, type } = field;
  return { number, wire, value, type, children: field.children?.map(copyOf) };
}

function placesIn(root: Piece[]): Place[] {
  const places: Place[] = [];
  const todo: { list: Piece[]; parent: string }[] = [{ list: root, parent: 'Model' }];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { list, parent } = next;
    list.forEach((piece, index) => {
      places.push({ piece, list, index, parent });
      if (piece.children && piece.type) todo.push({ list: piece.children, parent: piece.type });
    });
  }
  return places;
}

function anyLeaf(places: readonly Place[], pick: Pick): Place | undefined {
  const leaves = places.filter((p) => !p.piece.children);
  return leaves[pick(leaves.length)];
}

/** Removes, doubles or moves a field among its siblings. */
function rearrange({ list, index, piece }: Place, pick: Pick): void {
  const kind = pick(3);
  if (kind === 0) list.splice(index, 1);
  else if (kind === 1) list.splice(pick(list.length + 1), 0, copyOf(piece));
  else {
    list.splice(index, 1);
    list.splice(pick(list.length + 1), 0, piece);
  }
}

/**
 * Puts a copy of another message of the same type in the place of one, or beside it; what stands around it included: so
 * graphs nest.
 */
function graft({ list, index, piece }: Place, places: readonly Place[], pick: Pick): void {
  const alike = places.filter((p) => p.piece.type === piece.type && p.piece.wire === piece.wire);
  const source = alike[pick(alike.length)];
  if (!source) return;
  const { value, children } = copyOf(source.piece);
  list.splice(index, pick(3) === 0 ? 0 : 1, { ...piece, value, children });
}

/** Gives a scalar another value; of a message, one of its fields another number. */
function change(place: Place | undefined, places: readonly Place[], names: readonly string[], pick: Pick): void {
  if (!place) return;
  const { piece, list, index } = place;
  if (typeof piece.value === 'bigint') piece.value = otherNumber(piece.value, pick);
  else if (piece.children) list.splice(index, 1, { ...piece, number: 1 + pick(25) });
  else if (piece.wire !== 2)
    piece.value = Uint8Array.from(piece.value, () => [0, 255, 127, 128, pick(256)][pick(5)] ?? 0);
  else piece.value = otherBytes(piece.value, places, names, pick);
}

function otherNumber(value: bigint, pick: Pick): bigint {
  const kind = pick(4);
  if (kind === 0) return value + 1n;
  if (kind === 1) return value - 1n;
  if (kind === 2) return BigInt(pick(24));
  return NUMBERS[pick(NUMBERS.length)] ?? 0n;
}

/**
 * Another name of the file, an operator's, one that is dangerous; or the bytes shorter, longer, or with some of them
 * changed.
 */
function otherBytes(value: Uint8Array, places: readonly Place[], names: readonly string[], pick: Pick): Uint8Array {
  const kind = pick(6);
  if (kind < 2) {
    const other = places[pick(places.length)]?.piece;
    if (other && other.wire === 2 && !other.children && other.value instanceof Uint8Array) return other.value;
  }
  if (kind < 4) return utf8.encode(names[pick(names.length)] ?? '');
  if (kind === 4) return value.subarray(0, pick(value.length + 1));
  const more = Uint8Array.of(...value.subarray(0, 4096), ...Array.from({ length: pick(9) }, () => pick(256)));
  if (more.length > 0) more[pick(more.length)] = pick(256);
  return more;
}

/** Bytes cut off, flipped, overwritten or put in: what protobuf does not survive, for the most part. */
function damaged(bytes: Uint8Array, pick: Pick): Uint8Array {
  const at = pick(bytes.length + 1);
  const kind = pick(4);
  if (kind === 0) return bytes.subarray(0, at);
  // A size or count of up to ten bytes.
  const huge = Uint8Array.from({ length: 1 + pick(10) }, (_, i) => (i === 9 ? 1 : 0xff));
  if (kind === 1) return Buffer.concat([bytes.subarray(0, at), huge, bytes.subarray(at)]);
  const out = Uint8Array.from(bytes);
  if (out.length === 0) return out;
  for (let i = 0; i <= pick(4); i++) {
    const k = pick(out.length);
    out[k] = kind === 2 ? pick(256) : (out[k] ?? 0) ^ (1 << pick(8));
  }
  return out;
}
