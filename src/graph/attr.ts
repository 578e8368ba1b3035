import type { ByteRange } from '../base/bytes.js';
import { decodeName, encodeName } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Graph } from './ir.js';
import type { ValueType } from './types.js';

/**
 * What a file format read beside a part of the graph: fields that the IR has no name for. Opaque here; only the format that made it
 * reads it. Immutable things (attributes, types) carry their whole decoded message; an edit replaces the thing and so drops it. Declarations
 * (infos) keep it through edits of name and type, for what it says beside these.
 */
export interface Carried {
  readonly format: string;
}

export interface SparseTensor {
  readonly values: Tensor;
  readonly indices: Tensor;
  readonly dims: readonly number[];
  /** The name that stands on the values tensor, in a file. */
  readonly name?: string | undefined;
  readonly carried?: Carried | undefined;
}

interface Base {
  readonly name: string;
  readonly docString?: string | undefined;
  readonly carried?: Carried | undefined;
}

/** An attribute as the file has it. Immutable, but for the graphs it holds. int64 is bigint; strings are bytes; floats keep their bits. */
export type Attr = Base &
  (
    | { readonly kind: 'float'; readonly bits: number }
    | { readonly kind: 'int'; readonly value: bigint }
    | { readonly kind: 'string'; readonly value: Uint8Array }
    | { readonly kind: 'tensor'; readonly value: Tensor }
    | { readonly kind: 'graph'; readonly value: Graph }
    | { readonly kind: 'sparse_tensor'; readonly value: SparseTensor }
    | { readonly kind: 'type'; readonly value: ValueType }
    | { readonly kind: 'floats'; readonly values: Float32Array }
    | { readonly kind: 'ints'; readonly values: BigInt64Array }
    | { readonly kind: 'strings'; readonly values: readonly Uint8Array[] }
    | { readonly kind: 'tensors'; readonly values: readonly Tensor[] }
    | { readonly kind: 'graphs'; readonly values: readonly Graph[] }
    | { readonly kind: 'sparse_tensors'; readonly values: readonly SparseTensor[] }
    | { readonly kind: 'types'; readonly values: readonly ValueType[] }
    /** In a function's body: stands for the attribute `ref` of the call. */
    | { readonly kind: 'ref'; readonly ref: string }
    /** No kind that this IR version defines; only carried. */
    | { readonly kind: 'undefined' }
  );

export type AttrKind = Attr['kind'];

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The number behind a float attribute's bits. */
export function floatOfBits(bits: number): number {
  u32[0] = bits;
  return f32[0] ?? 0;
}

/** The bits of a number rounded to float32. */
export function bitsOfFloat(value: number): number {
  f32[0] = value;
  return u32[0] ?? 0;
}

/** Attributes made by code. */
export const attrOf = {
  int: (name: string, value: number | bigint): Attr => ({ name, kind: 'int', value: BigInt(value) }),
  ints: (name: string, values: readonly (number | bigint)[]): Attr => ({
    name,
    kind: 'ints',
    values: BigInt64Array.from(values, (v) => BigInt(v)),
  }),
  float: (name: string, value: number): Attr => ({ name, kind: 'float', bits: bitsOfFloat(value) }),
  floats: (name: string, values: readonly number[]): Attr => ({
    name,
    kind: 'floats',
    values: Float32Array.from(values),
  }),
  string: (name: string, value: string): Attr => ({ name, kind: 'string', value: encodeName(value) }),
  strings: (name: string, values: readonly string[]): Attr => ({
    name,
    kind: 'strings',
    values: values.map(encodeName),
  }),
  tensor: (name: string, value: Tensor): Attr => ({ name, kind: 'tensor', value }),
  graph: (name: string, value: Graph): Attr => ({ name, kind: 'graph', value }),
} as const;

export const attrText = (value: Uint8Array): string => decodeName(value);

/** Graphs that an attribute holds: none, one, or several. */
export function graphsOf(attr: Attr): readonly Graph[] {
  if (attr.kind === 'graph') return [attr.value];
  return attr.kind === 'graphs' ? attr.values : [];
}

/** A name and a value from metadata_props. */
export interface MetadataEntry {
  readonly key: string;
  readonly value: string;
  readonly carried?: Carried | undefined;
}

/** The bytes of one message in the file it was read from, valid until an edit touches it. */
export type Span = ByteRange;
