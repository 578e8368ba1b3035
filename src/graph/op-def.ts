import type { DType } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Attr, type AttrKind, attrText, floatOfBits } from './attr.js';
import type { Graph, Node, Value } from './ir.js';
import type { Attrs, AttrSpec, AttrSpecs, OpForm, Declaration, Read, Slots, SlotValues } from './signature.js';
import type { Dim, ValueType } from './types.js';

export type { AttrSpec, AttrSpecs, Slots } from './signature.js';

export interface InferArgs<I extends Slots, O extends Slots, A extends AttrSpecs> {
  readonly in: SlotValues<I, Value, Value>;
  readonly out: SlotValues<O, Value, Value | undefined>;
  readonly attr: Attrs<A>;
  readonly node: Node;
  /**
   * The integers that a value is known to hold (a shape, axes, ...), named and unknown dimensions among them. Rank 0
   * gives one.
   */
  readonly ints: (value: Value | undefined) => readonly Dim[] | undefined;
}

/** Types of outputs by name; an array for a variadic one. What is left out is not known. */
export type Inferred<O extends Slots> = {
  readonly [K in keyof O]?: ValueType | undefined | readonly (ValueType | undefined)[];
};

/** What the inputs of a graph in an attribute are. */
export interface Entry {
  readonly graph: Graph;
  readonly inputs: readonly (ValueType | undefined)[];
}

export interface OpSpec<I extends Slots, O extends Slots, A extends AttrSpecs> extends OpForm<I, O, A> {
  /** '' (ONNX's own) unless said otherwise. */
  readonly domain?: string;
  readonly doc: string;
  /** Allowed element types by type variable. */
  readonly types: Readonly<Record<string, readonly DType[]>>;
  /** The entries of its variadic inputs may differ in element type. */
  readonly mixed?: true;
  readonly infer?: (args: InferArgs<I, O, A>) => Inferred<O>;
  /**
   * For operators that hold graphs: the types of those graphs' inputs. They are inferred next, and `infer` can read
   * their outputs.
   */
  readonly enter?: (args: InferArgs<I, O, A>) => readonly Entry[];
  /** The known integers that the first output holds, for operators that compute shapes. */
  readonly data?: (args: InferArgs<I, O, A>) => readonly Dim[] | undefined;
}

/** A declared operator signature. */
export interface OpDef<I extends Slots = Slots, O extends Slots = Slots, A extends AttrSpecs = AttrSpecs>
  extends OpSpec<I, O, A> {
  readonly domain: string;
}

/** Any declared operator, whatever its inputs, outputs and attributes. */
// oxlint-disable-next-line typescript/no-explicit-any -- stands for every signature; only its own infer function reads the arguments
export type AnyOpDef = OpDef<any, any, any>;

/** A node after `node.is(op)` has said yes. */
export type NodeOf<D extends Declaration> = Node & Read<D, Value>;

/**
 * Declares an operator: its versions, inputs, outputs, types, attributes and shape inference. `node.is(it)` then
 * narrows a node to it.
 */
export function defineOp<const I extends Slots, const O extends Slots, const A extends AttrSpecs>(
  spec: OpSpec<I, O, A>,
): OpDef<I, O, A> {
  const op = Object.freeze({ domain: '', ...spec });
  declared.add(op);
  return op;
}

const declared = new WeakSet<object>();

/** Whether something is a declaration that `defineOp` made. */
export const isOpDef = (it: unknown): it is AnyOpDef => typeof it === 'object' && it !== null && declared.has(it);

const spec = <T>(
  kind: AttrKind,
  fallback: T,
  read: (a: Attr) => T,
  more: { required?: boolean; choices?: readonly string[] } = {},
): AttrSpec<T> => ({
  kind,
  fallback,
  read,
  required: more.required ?? false,
  ...(more.choices && { choices: more.choices }),
});

const wrong = (a: Attr): never => {
  throw new Error(`bug: attribute ${a.name} read as another kind than ${a.kind}`);
};
/** Beyond the numbers that are exact, the last of those: sums with it stay within int64. */
const safe = (value: bigint): number =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
const readInt = (a: Attr): number => (a.kind === 'int' ? safe(a.value) : wrong(a));
const readInts = (a: Attr): readonly number[] => (a.kind === 'ints' ? Array.from(a.values, safe) : wrong(a));
const readFloat = (a: Attr): number => (a.kind === 'float' ? floatOfBits(a.bits) : wrong(a));
const readFloats = (a: Attr): readonly number[] => (a.kind === 'floats' ? Array.from(a.values) : wrong(a));
const readString = (a: Attr): string => (a.kind === 'string' ? attrText(a.value) : wrong(a));
const readStrings = (a: Attr): readonly string[] => (a.kind === 'strings' ? a.values.map(attrText) : wrong(a));
const readTensor = (a: Attr): Tensor => (a.kind === 'tensor' ? a.value : wrong(a));
const readGraph = (a: Attr): Graph => (a.kind === 'graph' ? a.value : wrong(a));
const none = undefined;

function optionalInt(): AttrSpec<number | undefined>;
function optionalInt(fallback: number): AttrSpec<number>;
function optionalInt(fallback?: number): AttrSpec<number | undefined> {
  return spec<number | undefined>('int', fallback, readInt);
}
function optionalInts(): AttrSpec<readonly number[] | undefined>;
function optionalInts(fallback: readonly number[]): AttrSpec<readonly number[]>;
function optionalInts(fallback?: readonly number[]): AttrSpec<readonly number[] | undefined> {
  return spec<readonly number[] | undefined>('ints', fallback, readInts);
}
function optionalFloat(): AttrSpec<number | undefined>;
function optionalFloat(fallback: number): AttrSpec<number>;
function optionalFloat(fallback?: number): AttrSpec<number | undefined> {
  // A float attribute's default is a float32: what a file that writes it out would hold.
  return spec<number | undefined>('float', fallback === undefined ? undefined : Math.fround(fallback), readFloat);
}
function optionalString(): AttrSpec<string | undefined>;
function optionalString(fallback: string): AttrSpec<string>;
function optionalString(fallback?: string): AttrSpec<string | undefined> {
  return spec<string | undefined>('string', fallback, readString);
}

/** An attribute that later versions of a signature have: before `version`, a node with it does not fit. */
export const added = <T>(version: number, attribute: AttrSpec<T>): AttrSpec<T> => ({ ...attribute, since: version });

/** An attribute that later versions of a signature lack: from `version` on, a node with it does not fit. */
export const removed = <T>(version: number, attribute: AttrSpec<T>): AttrSpec<T> => ({ ...attribute, until: version });

/** The kinds of attributes a declaration can have; the argument is ONNX's default. int64 is read as a number. */
export const attr = {
  int: optionalInt,
  ints: optionalInts,
  float: optionalFloat,
  string: optionalString,
  floats: () => spec<readonly number[] | undefined>('floats', none, readFloats),
  strings: (fallback?: readonly string[]) => spec<readonly string[] | undefined>('strings', fallback, readStrings),
  tensor: () => spec<Tensor | undefined>('tensor', none, (a) => readTensor(a)),
  /** The first choice is the default. */
  oneOf: <const C extends readonly [string, ...string[]]>(...choices: C): AttrSpec<C[number]> =>
    spec<C[number]>('string', choices[0], readString, { choices }),
  requiredInt: () => spec<number>('int', 0, readInt, { required: true }),
  requiredString: () => spec<string>('string', '', readString, { required: true }),
  requiredFloats: () => spec<readonly number[]>('floats', [], readFloats, { required: true }),
  requiredInts: () => spec<readonly number[]>('ints', [], readInts, { required: true }),
  requiredGraph: () => spec<Graph>('graph', none as unknown as Graph, readGraph, { required: true }),
  any: (kind: AttrKind) => spec<Attr | undefined>(kind, none, (a) => a),
} as const;
