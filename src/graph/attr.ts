import { encodeName } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import { bitsOfFloat } from './attr-kinds.js';
import type { Attr, Graph } from './ir.js';

export {
  type AttrKind,
  attrText,
  bitsOfFloat,
  floatOfBits,
  graphsOf,
  type MetadataEntry,
  type Preserved,
  type Span,
  type SparseTensor,
} from './attr-kinds.js';
export type { Attr } from './ir.js';

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
