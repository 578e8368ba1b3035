import type { ByteRange } from '../base/bytes.js';
import { decodeName } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import type { ValueType } from './types.js';

/*
 * What parts of a graph are made of, whatever a graph itself is: `ir.ts` builds on this, and says what stands for G.
 */

/**
 * What a file format read beside a part of the graph: fields that the IR has no name for. Opaque here; only the format
 * that made it reads it. Immutable things (attributes, types) keep their whole decoded message; an edit replaces the
 * thing and so drops it. Declarations (infos) keep it through edits of name and type, for what it says beside these.
 */
export interface Preserved {
  readonly format: string;
}

export interface SparseTensor {
  readonly values: Tensor;
  readonly indices: Tensor;
  readonly dims: readonly number[];
  /** The name that stands on the values tensor, in a file. */
  readonly name?: string | undefined;
  readonly preserved?: Preserved | undefined;
}

interface Base {
  readonly name: string;
  readonly docString?: string | undefined;
  readonly preserved?: Preserved | undefined;
}

/**
 * An attribute as the file has it. Immutable, but for the graphs it holds. int64 is bigint; strings are bytes; floats
 * keep their bits.
 */
export type AttrOf<G> = Base &
  (
    | { readonly kind: 'float'; readonly bits: number }
    | { readonly kind: 'int'; readonly value: bigint }
    | { readonly kind: 'string'; readonly value: Uint8Array }
    | { readonly kind: 'tensor'; readonly value: Tensor }
    | { readonly kind: 'graph'; readonly value: G }
    | { readonly kind: 'sparse_tensor'; readonly value: SparseTensor }
    | { readonly kind: 'type'; readonly value: ValueType }
    | { readonly kind: 'floats'; readonly values: Float32Array }
    | { readonly kind: 'ints'; readonly values: BigInt64Array }
    | { readonly kind: 'strings'; readonly values: readonly Uint8Array[] }
    | { readonly kind: 'tensors'; readonly values: readonly Tensor[] }
    | { readonly kind: 'graphs'; readonly values: readonly G[] }
    | { readonly kind: 'sparse_tensors'; readonly values: readonly SparseTensor[] }
    | { readonly kind: 'types'; readonly values: readonly ValueType[] }
    /** In a function's body: stands for the attribute `ref` of the call. */
    | { readonly kind: 'ref'; readonly ref: string }
    /** No kind that this IR version defines; only preserved. */
    | { readonly kind: 'undefined' }
  );

export type AttrKind = AttrOf<never>['kind'];

/** Graphs that an attribute holds: none, one, or several. */
export function graphsOf<G>(attr: AttrOf<G>): readonly G[] {
  if (attr.kind === 'graph') return [attr.value];
  return attr.kind === 'graphs' ? attr.values : [];
}

/** The text of a string attribute. */
export const attrText = (value: Uint8Array): string => decodeName(value);

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

/** A name and a value from metadata_props. */
export interface MetadataEntry {
  readonly key: string;
  readonly value: string;
  readonly preserved?: Preserved | undefined;
}

/** The bytes of one message in the file it was read from, valid until an edit touches it. */
export type Span = ByteRange;
