/*
 * Protobuf's wire format, written for tests and independent of the code under test: a file as a tree of fields, a
 * printer for it, and ways to say the same thing in other bytes. What is a message where is listed here by numbers,
 * from onnx.proto.
 */

/** Not a wire type: the value is the field's bytes with its tag. */
const RAW = -1;

export interface WireField {
  readonly number: number;
  readonly wire: number;
  /** The value of a varint; the bytes of anything else without its length (of a group: up to and with its end tag). */
  readonly value: bigint | Uint8Array;
  /** The fields of a length-delimited field that holds a message. */
  readonly children?: readonly WireField[] | undefined;
  readonly type?: string | undefined;
  /** Offset of the payload in the bytes that were parsed. */
  readonly at?: number | undefined;
}

/** Fields that hold messages. */
const MESSAGES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  Model: { 7: 'Graph', 8: 'Opset', 14: 'Entry', 20: 'Training', 25: 'Function' },
  Training: { 1: 'Graph', 2: 'Graph', 3: 'Entry', 4: 'Entry' },
  Function: { 7: 'Node', 9: 'Opset', 11: 'Attribute', 12: 'Info', 14: 'Entry' },
  Graph: { 1: 'Node', 5: 'Tensor', 11: 'Info', 12: 'Info', 13: 'Info', 14: 'Annotation', 15: 'Sparse', 16: 'Entry' },
  Annotation: { 2: 'Entry' },
  Node: { 5: 'Attribute', 9: 'Entry' },
  Attribute: {
    5: 'Tensor',
    6: 'Graph',
    10: 'Tensor',
    11: 'Graph',
    14: 'Type',
    15: 'Type',
    22: 'Sparse',
    23: 'Sparse',
  },
  Info: { 2: 'Type', 4: 'Entry' },
  Type: { 1: 'TensorType', 4: 'Element', 5: 'Map', 8: 'TensorType', 9: 'Element' },
  TensorType: { 2: 'Shape' },
  Shape: { 1: 'Dimension' },
  Element: { 1: 'Type' },
  Map: { 2: 'Type' },
  Tensor: { 3: 'Segment', 13: 'Entry', 16: 'Entry' },
  Sparse: { 1: 'Tensor', 2: 'Tensor' },
};

/** Fields that occur once; of scalars the last counts, messages merge. */
const SINGULAR: Readonly<Record<string, readonly number[]>> = {
  Model: [1, 2, 3, 4, 5, 6, 7],
  Opset: [1, 2],
  Entry: [1, 2],
  Training: [1, 2],
  Function: [1, 8, 10, 13],
  Graph: [2, 10],
  Node: [3, 4, 6, 7, 8],
  Attribute: [1, 2, 3, 4, 5, 6, 13, 14, 20, 21, 22],
  Info: [1, 2, 3],
  Type: [1, 4, 5, 6, 8, 9],
  TensorType: [1, 2],
  Element: [1],
  Map: [1, 2],
  Dimension: [1, 2, 3],
  Tensor: [2, 8, 9, 12, 14],
  Sparse: [1, 2],
};

/** Repeated numbers: the wire type of one, and whether the official serializer packs them. */
const NUMBERS: Readonly<Record<string, Readonly<Record<number, { wire: number; packed: boolean }>>>> = {
  Attribute: { 7: { wire: 5, packed: false }, 8: { wire: 0, packed: false } },
  Tensor: {
    1: { wire: 0, packed: false },
    4: { wire: 5, packed: true },
    5: { wire: 0, packed: true },
    7: { wire: 0, packed: true },
    10: { wire: 1, packed: true },
    11: { wire: 0, packed: true },
  },
  Sparse: { 3: { wire: 0, packed: false } },
};

export const isString = (type: string, number: number): boolean =>
  ({ Model: [2, 3, 4, 6], Node: [1, 2, 3, 4], Graph: [2], Info: [1], Tensor: [8], Function: [1, 4, 5] })[
    type
  ]?.includes(number) ?? false;

function varintAt(bytes: Uint8Array, at: number): { value: bigint; end: number } {
  let value = 0n;
  for (let i = 0; ; i++) {
    const b = bytes[at + i] ?? 0;
    value |= BigInt(b & 0x7f) << BigInt(7 * i);
    if (b < 0x80) return { value, end: at + i + 1 };
  }
}

/** The fields of a message of well-formed bytes without groups. */
export function parseWire(bytes: Uint8Array, type = 'Model', offset = 0): WireField[] {
  const fields: WireField[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = varintAt(bytes, at);
    const number = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    if (wire === 0) {
      const { value, end } = varintAt(bytes, tag.end);
      fields.push({ number, wire, value });
      at = end;
    } else {
      const length = wire === 2 ? varintAt(bytes, tag.end) : { value: wire === 5 ? 4n : 8n, end: tag.end };
      const end = length.end + Number(length.value);
      const value = bytes.subarray(length.end, end);
      const inner = wire === 2 ? MESSAGES[type]?.[number] : undefined;
      const children = inner ? parseWire(value, inner, offset + length.end) : undefined;
      fields.push({ number, wire, value, children, type: inner, at: offset + length.end });
      at = end;
    }
  }
  return fields;
}

/** `extra` bytes more than the shortest form. */
function varint(value: bigint, extra = 0): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n);
  for (let i = 0; i < extra && out.length < 10; i++) out.push(0x80);
  out.push((out.pop() ?? 0) & 0x7f);
  return out;
}

/** How much longer than needed a number is made; called for every one. */
type Padding = (longest: number) => number;

export function printWire(fields: readonly WireField[], padding: Padding = () => 0): Uint8Array {
  const parts: Uint8Array[] = [];
  const number = (value: bigint, longest: number): number[] => {
    const shortest = varint(value).length;
    return varint(value, Math.max(0, Math.min(padding(longest), longest - shortest)));
  };
  for (const f of fields) {
    if (f.wire === RAW && typeof f.value !== 'bigint') {
      parts.push(f.value);
      continue;
    }
    parts.push(Uint8Array.from(number(BigInt(f.number * 8 + f.wire), 5)));
    if (typeof f.value === 'bigint') parts.push(Uint8Array.from(number(f.value, 10)));
    else {
      const payload = f.children ? printWire(f.children, padding) : f.value;
      if (f.wire === 2) parts.push(Uint8Array.from(number(BigInt(payload.length), 5)));
      parts.push(payload);
    }
  }
  return Buffer.concat(parts);
}

/** The fields as the official serializer has them: in order of their numbers, packed only where onnx.proto says so. */
export function canonicalWire(fields: readonly WireField[], type = 'Model'): WireField[] {
  return fields
    .flatMap((f) => {
      if (f.children && f.type) return [{ ...f, children: canonicalWire(f.children, f.type) }];
      const list = NUMBERS[type]?.[f.number];
      return list && !list.packed && f.wire === 2 ? elements(f, list.wire) : [f];
    })
    .sort((a, b) => a.number - b.number);
}

/** A packed list as single elements. */
function elements(field: WireField, wire: number): WireField[] {
  const bytes = field.value instanceof Uint8Array ? field.value : new Uint8Array(0);
  const out: WireField[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = wire === 0 ? varintAt(bytes, at).end : at + (wire === 5 ? 4 : 8);
    out.push({
      number: field.number,
      wire,
      value: wire === 0 ? varintAt(bytes, at).value : bytes.subarray(at, end),
    });
    at = end;
  }
  return out;
}

/** Random numbers from a seed: mulberry32. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export interface Disguises {
  readonly reorder?: boolean;
  readonly repack?: boolean;
  readonly duplicate?: boolean;
  readonly split?: boolean;
  readonly unknown?: boolean;
}

/**
 * The same message in other fields, and what a canonical serializer makes of it. They differ from the original only by
 * unknown fields, which stand at the end there.
 */
export function disguise(
  fields: readonly WireField[],
  pick: (below: number) => number,
  ways: Disguises,
  type = 'Model',
): { disguised: WireField[]; canonical: WireField[] } {
  const disguised: WireField[] = [];
  const canonical: WireField[] = [];
  const unknown: WireField[] = [];
  for (const field of fields) {
    if (!field.children || !field.type) {
      canonical.push(field);
      disguised.push(...scalar(field, pick, ways, type));
      continue;
    }
    const inner = disguise(field.children, pick, ways, field.type);
    canonical.push({ ...field, children: inner.canonical });
    const pieces = ways.split && SINGULAR[type]?.includes(field.number) && pick(3) === 0;
    const cut = pieces ? pick(inner.disguised.length + 1) : inner.disguised.length;
    disguised.push({ ...field, children: inner.disguised.slice(0, cut) });
    if (pieces) disguised.push({ ...field, children: inner.disguised.slice(cut) });
  }
  if (ways.unknown && pick(4) === 0) unknown.push(...unknownFields(pick));
  let result = disguised;
  for (const field of unknown) result.splice(pick(result.length + 1), 0, field);
  if (ways.reorder) result = shuffle(result, pick);
  const order = result.filter((f) => unknown.includes(f));
  return { disguised: result, canonical: [...canonical, ...order] };
}

function scalar(field: WireField, pick: (below: number) => number, ways: Disguises, type: string): WireField[] {
  const list = NUMBERS[type]?.[field.number];
  if (list && ways.repack && pick(2) === 0) return repack(field, list.wire);
  if (ways.duplicate && SINGULAR[type]?.includes(field.number) && pick(3) === 0) {
    const wrong =
      typeof field.value === 'bigint' ? (field.value + 1n) % 2n : Uint8Array.from(field.value, (b) => b ^ 1);
    return [{ ...field, value: wrong }, field];
  }
  return [field];
}

/** A packed list as single elements and the other way round, in part. */
function repack(field: WireField, wire: number): WireField[] {
  if (field.wire !== 2) return [packed(field)];
  return elements(field, wire).map((f, i) => (i % 3 === 2 ? packed(f) : f));
}

/** One element as a packed list of one. */
const packed = (f: WireField): WireField => ({
  number: f.number,
  wire: 2,
  value: typeof f.value === 'bigint' ? Uint8Array.from(varint(f.value)) : f.value,
});

function unknownFields(pick: (below: number) => number): WireField[] {
  const number = 100 + pick(400);
  const all: WireField[] = [
    { number, wire: 0, value: BigInt(pick(1 << 20)) },
    { number, wire: 1, value: new Uint8Array(8).fill(pick(256)) },
    { number, wire: 2, value: new Uint8Array(pick(2000)).fill(pick(256)) },
    // A group with a varint and a group inside.
    { number: 17, wire: 3, value: Uint8Array.of(0x08, 0x05, 0x13, 0x14, 0x8c, 0x01) },
    { number, wire: 5, value: new Uint8Array(4).fill(pick(256)) },
  ];
  return [all[pick(5)], all[pick(5)]].flatMap((f) => (f ? { number, wire: RAW, value: printWire([f]) } : []));
}

/** Another order in which fields of one number keep theirs. */
function shuffle(fields: readonly WireField[], pick: (below: number) => number): WireField[] {
  const left = new Map<number, WireField[]>();
  for (const f of fields) left.set(f.number, [...(left.get(f.number) ?? []), f]);
  const out: WireField[] = [];
  while (left.size > 0) {
    const [number, list] = [...left][pick(left.size)] ?? [0, []];
    out.push(...list.splice(0, 1));
    if (list.length === 0) left.delete(number);
  }
  return out;
}

/** Every scalar field of a tree changed by `change`, with the type of the message that it is in. */
export function mapScalars(
  fields: readonly WireField[],
  change: (f: WireField, type: string) => WireField,
  type = 'Model',
): WireField[] {
  return fields.map((f) =>
    f.children && f.type ? { ...f, children: mapScalars(f.children, change, f.type) } : change(f, type),
  );
}
