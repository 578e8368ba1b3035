import type { DType } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Attr, type AttrKind, attrText, floatOfBits } from './attr.js';
import type { Graph, Node, Value } from './ir.js';
import type { Dim, ValueType } from './types.js';

/** How a declaration names its inputs and outputs: a type variable or type, with '?' optional, with '*' variadic (last only). */
export type Slots = Readonly<Record<string, string>>;

type In<S extends Slots> = {
  readonly [K in keyof S]: S[K] extends `${string}?`
    ? Value | undefined
    : S[K] extends `${string}*`
      ? readonly Value[]
      : Value;
};
type Out<S extends Slots> = {
  readonly [K in keyof S]: S[K] extends `${string}?`
    ? Value | undefined
    : S[K] extends `${string}*`
      ? readonly (Value | undefined)[]
      : Value;
};

/** One attribute of a declaration: which kind it is, what stands when it is absent, what it may be. */
export interface AttrSpec<T> {
  readonly kind: AttrKind;
  readonly required: boolean;
  readonly fallback: T;
  readonly choices?: readonly string[] | undefined;
  /** The version that brought it, when the signature is older. */
  readonly since?: number | undefined;
  /** The version that took it away, when the signature goes on. */
  readonly until?: number | undefined;
  read(attr: Attr): T;
}
export type AttrSpecs = Readonly<Record<string, AttrSpec<unknown>>>;
type Attrs<A extends AttrSpecs> = { readonly [K in keyof A]: A[K] extends AttrSpec<infer T> ? T : never };

export interface InferArgs<I extends Slots, O extends Slots, A extends AttrSpecs> {
  readonly in: In<I>;
  readonly out: Out<O>;
  readonly attr: Attrs<A>;
  readonly node: Node;
  /** The integers that a value is known to hold (a shape, axes, ...), named and unknown dimensions among them. Rank 0 gives one. */
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

export interface OpSpec<I extends Slots, O extends Slots, A extends AttrSpecs> {
  readonly name: string;
  /** '' (ONNX's own) unless said otherwise. */
  readonly domain?: string;
  /** The opset versions that define the operator with this signature. */
  readonly since: readonly number[];
  /** The version that replaces this signature by another; absent for the current one. */
  readonly until?: number;
  readonly doc: string;
  readonly inputs: I;
  readonly outputs: O;
  /** Allowed element types by type variable. */
  readonly types: Readonly<Record<string, readonly DType[]>>;
  /** The entries of its variadic inputs may differ in element type. */
  readonly mixed?: true;
  readonly attrs: A;
  readonly infer?: (args: InferArgs<I, O, A>) => Inferred<O>;
  /** For operators that hold graphs: the types of those graphs' inputs. They are inferred next, and `infer` can read their outputs. */
  readonly enter?: (args: InferArgs<I, O, A>) => readonly Entry[];
  /** The known integers that the first output holds, for operators that compute shapes. */
  readonly data?: (args: InferArgs<I, O, A>) => readonly Dim[] | undefined;
}

/** A declared operator signature. */
export interface OpDef<I extends Slots = Slots, O extends Slots = Slots, A extends AttrSpecs = AttrSpecs>
  extends OpSpec<I, O, A> {
  readonly domain: string;
}

// oxlint-disable-next-line typescript/no-explicit-any -- stands for every signature; only its own infer function reads the arguments
export type AnyOpDef = OpDef<any, any, any>;

/** What `node.is(op)` adds to a node's type. */
export type Typed<D> =
  D extends OpDef<infer I, infer O, infer A>
    ? { readonly in: In<I>; readonly out: Out<O>; readonly attr: Attrs<A> }
    : never;
export type NodeOf<D> = Node & Typed<D>;

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
  strings: () => spec<readonly string[] | undefined>('strings', none, readStrings),
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

interface Lens {
  readonly op: AnyOpDef;
  readonly in: unknown;
  readonly out: unknown;
  readonly attr: unknown;
}

/** Slots in their order. */
export interface SlotList {
  readonly names: readonly string[];
  /** The type, or variable that stands for one, of each. */
  readonly types: readonly string[];
  readonly optional: readonly boolean[];
  /** Whether the last takes a list. */
  readonly variadic: boolean;
}

/** What is asked of a declaration at every node, worked out once. */
export interface OpSignature {
  readonly inputs: SlotList;
  readonly outputs: SlotList;
  readonly required: readonly string[];
  readonly attrs: readonly (readonly [string, AttrSpec<unknown>])[];
}

const signatures = new Map<AnyOpDef, OpSignature>();

export function signatureOf(op: AnyOpDef): OpSignature {
  const known = signatures.get(op);
  if (known) return known;
  const specs = Object.entries<AttrSpec<unknown>>(op.attrs);
  const signature = {
    inputs: slotList(op.inputs),
    outputs: slotList(op.outputs),
    required: specs.filter(([, s]) => s.required).map(([name]) => name),
    attrs: specs,
  };
  signatures.set(op, signature);
  return signature;
}

function slotList(slots: Slots): SlotList {
  const kinds = Object.values(slots);
  return {
    names: Object.keys(slots),
    types: kinds.map((kind) => kind.replace(/[?*]$/, '')),
    optional: kinds.map((kind) => kind.endsWith('?') || kind.endsWith('*')),
    variadic: kinds.at(-1)?.endsWith('*') ?? false,
  };
}

/** Behind `node.is`. Remembers the declaration, so that `node.in`, `node.out` and `node.attr` know what to read. */
export function matches(node: Node, op: AnyOpDef): boolean {
  if (node.opType !== op.name || node.domain !== op.domain) return false;
  if (node.bound === op && fits(node, op)) return true;
  const version = node.opset;
  if (version === undefined || version < (op.since[0] ?? 1) || (op.until !== undefined && version >= op.until))
    return false;
  if (!fits(node, op)) return false;
  (node as { bound: AnyOpDef | undefined }).bound = op;
  return true;
}

/** Whether arity and attributes of a node are what the declaration says. */
export function fits(node: Node, op: AnyOpDef): boolean {
  const { inputs, outputs, required } = signatureOf(op);
  // A list of inputs has no gaps; of outputs, any may be left out.
  if (inputs.variadic && node.inputs.includes(undefined, inputs.names.length - 1)) return false;
  return (
    arity(node.inputs, inputs) &&
    arity(node.outputs, outputs) &&
    (node.attrs.size === 0 || attributesFit(node, op)) &&
    required.every((name) => node.attrs.has(name))
  );
}

function arity(given: readonly (Value | undefined)[], { optional, variadic }: SlotList): boolean {
  if (given.length > optional.length && !variadic && given.some((v, i) => v && i >= optional.length)) return false;
  return optional.every((may, i) => may || given[i] !== undefined);
}

function attributesFit(node: Node, op: AnyOpDef): boolean {
  for (const [name, attr] of node.attrs) {
    const s: AttrSpec<unknown> | undefined = Object.hasOwn(op.attrs, name) ? op.attrs[name] : undefined;
    if (!s || s.kind !== attr.kind) return false;
    if (s.since !== undefined && (node.opset ?? 0) < s.since) return false;
    if (s.until !== undefined && (node.opset ?? 0) >= s.until) return false;
    if (s.choices && attr.kind === 'string' && !s.choices.includes(attrText(attr.value))) return false;
  }
  return true;
}

/** A view of a node through a declaration that fits it. */
export const lens = (node: Node, op: AnyOpDef): Lens => new NodeLens(node, op);

class NodeLens implements Lens {
  readonly #signature: OpSignature;

  constructor(
    private readonly node: Node,
    readonly op: AnyOpDef,
  ) {
    this.#signature = signatureOf(op);
  }

  get in(): unknown {
    return slotView(this.node.inputs, this.#signature.inputs);
  }

  get out(): unknown {
    return slotView(this.node.outputs, this.#signature.outputs);
  }

  get attr(): unknown {
    return attrView(this.node, this.#signature.attrs);
  }
}

export function lensOf(node: Node): Lens {
  if (!node.bound)
    throw new Error(`bug: ${node.opType} is read through a declaration before node.is(...) said that it fits`);
  return lens(node, node.bound);
}

function slotView(values: readonly (Value | undefined)[], { names, variadic }: SlotList): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const [i, name] of names.entries())
    view[name] = variadic && i === names.length - 1 ? values.slice(i) : values[i];
  return view;
}

/** Lists of attributes longer than this are read when asked for. */
const MAX_READ_AT_ONCE = 16;

const isLong = (a: Attr): boolean => 'values' in a && a.values.length > MAX_READ_AT_ONCE;

function attrView(node: Node, specs: OpSignature['attrs']): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const [name, s] of specs) {
    const given = node.attrs.get(name);
    if (!given) view[name] = s.fallback;
    else if (isLong(given)) Object.defineProperty(view, name, { enumerable: true, get: () => s.read(given) });
    else view[name] = s.read(given);
  }
  return view;
}
