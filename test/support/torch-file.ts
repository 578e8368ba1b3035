import type { ByteSource } from '../../src/base/bytes.js';
import { zipFile } from './zip-file.js';

/** Pickles put together by hand, opcode by opcode, after CPython's pickletools: nothing of ours takes part. */
export const op = {
  proto: (version: number) => Uint8Array.of(0x80, version),
  global: (module: string, name: string) => ascii(`c${module}\n${name}\n`),
  text: (s: string) => join(Uint8Array.of(0x58), u32(Buffer.byteLength(s)), Buffer.from(s)),
  int: (n: number) => join(Uint8Array.of(0x4a), u32(n)),
  tuple: (...items: Uint8Array[]) => join(ascii('('), ...items, ascii('t')),
  list: (...items: Uint8Array[]) => join(ascii(']('), ...items, ascii('e')),
  dict: (entries: readonly (readonly [string, Uint8Array])[]) =>
    join(ascii('}('), ...entries.flatMap(([key, value]) => [op.text(key), value]), ascii('u')),
  call: (module: string, name: string, ...args: Uint8Array[]) =>
    join(op.global(module, name), op.tuple(...args), ascii('R')),
  object: (module: string, name: string, state: Uint8Array) =>
    join(op.global(module, name), ascii(')'), Uint8Array.of(0x81), state, ascii('b')),
  none: ascii('N'),
  false: Uint8Array.of(0x89),
  stop: ascii('.'),
};

export interface View {
  readonly storage: string;
  readonly type?: string;
  /** Elements of the storage. */
  readonly length: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
}

const rowMajor = (shape: readonly number[]): number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1));

/** `torch._utils._rebuild_tensor_v2` of a view of a storage. */
export function tensorOf({
  storage,
  type = 'FloatStorage',
  length,
  offset = 0,
  shape,
  strides = rowMajor(shape),
}: View): Uint8Array {
  const id = op.tuple(op.text('storage'), op.global('torch', type), op.text(storage), op.text('cpu'), op.int(length));
  return op.call(
    'torch._utils',
    '_rebuild_tensor_v2',
    join(id, ascii('Q')),
    op.int(offset),
    op.tuple(...shape.map(op.int)),
    op.tuple(...strides.map(op.int)),
    op.false,
    op.call('collections', 'OrderedDict'),
  );
}

/** A checkpoint of the zip form: the object, and the bytes of its storages. */
export function torchZip(
  object: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  more: Readonly<Record<string, string>> = {},
): ByteSource {
  return zipFile([
    { name: 'archive/data.pkl', data: join(op.proto(2), object, op.stop) },
    ...Object.entries(more).map(([name, data]) => ({ name: `archive/${name}`, data: ascii(data) })),
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
  ]);
}

/** A state dict of float32 tensors, one storage each. */
export function torchStateDict(
  tensors: Readonly<Record<string, { shape: readonly number[]; data: Float32Array }>>,
): ByteSource {
  const entries = Object.entries(tensors);
  return torchZip(
    op.dict(
      entries.map(([name, { shape, data }], i) => [name, tensorOf({ storage: String(i), length: data.length, shape })]),
    ),
    Object.fromEntries(
      entries.map(([, { data }], i) => [String(i), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
    ),
  );
}

export function ascii(s: string): Uint8Array {
  return Uint8Array.from(s, (c) => c.charCodeAt(0));
}

export function join(...pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

const u32 = (n: number): Uint8Array => {
  const out = Buffer.alloc(4);
  out.writeInt32LE(n | 0);
  return out;
};
