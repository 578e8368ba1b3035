import { type AttrKind, type AttrOf, attrText } from './attr-kinds.js';

/*
 * What a declaration says of a node's form, and how nodes are held against it and read through it. It knows neither
 * nodes nor graphs:
 * `ir.ts` builds on it. `op-def.ts` adds what a declaration infers.
 */

/**
 * How a declaration names its inputs and outputs: a type variable or type, with '?' optional, with '*' variadic (last
 * only).
 */
export type Slots = Readonly<Record<string, string>>;

/** Inputs or outputs of type V by the names of their slots; a variadic one is a list of Items. */
export type SlotValues<S extends Slots, V, Item> = {
  readonly [K in keyof S]: S[K] extends `${string}?` ? V | undefined : S[K] extends `${string}*` ? readonly Item[] : V;
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
  read(attr: AttrOf<unknown>): T;
}
export type AttrSpecs = Readonly<Record<string, AttrSpec<unknown>>>;
export type Attrs<A extends AttrSpecs> = { readonly [K in keyof A]: A[K] extends AttrSpec<infer T> ? T : never };

/**
 * Which nodes a declaration is about, but for their domain: their name and versions, their inputs, outputs and
 * attributes.
 */
export interface OpForm<I extends Slots, O extends Slots, A extends AttrSpecs> {
  readonly name: string;
  /** The opset versions that define the operator with this signature. */
  readonly since: readonly number[];
  /** The version that replaces this signature by another; absent for the current one. */
  readonly until?: number;
  readonly inputs: I;
  readonly outputs: O;
  readonly attrs: A;
}

/** '' is the domain of ONNX's own operators. */
export interface Declaration<I extends Slots = Slots, O extends Slots = Slots, A extends AttrSpecs = AttrSpecs>
  extends OpForm<I, O, A> {
  readonly domain: string;
}

/** What a signature adds to the type of a node whose values are of type V. */
export type Read<S extends Declaration, V> = S extends Declaration
  ? {
      readonly in: SlotValues<S['inputs'], V, V>;
      readonly out: SlotValues<S['outputs'], V, V | undefined>;
      readonly attr: Attrs<S['attrs']>;
    }
  : never;

/** What is looked at of a node. */
export interface Application {
  readonly opType: string;
  readonly domain: string;
  /** The imported version of its domain. */
  readonly opset: number | undefined;
  readonly inputs: readonly unknown[];
  readonly outputs: readonly unknown[];
  readonly attrs: ReadonlyMap<string, AttrOf<unknown>>;
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

/** What is asked of a signature at every node, worked out once. */
export interface OpSignature {
  readonly inputs: SlotList;
  readonly outputs: SlotList;
  readonly required: readonly string[];
  readonly attrs: readonly (readonly [string, AttrSpec<unknown>])[];
}

const signatures = new Map<Declaration, OpSignature>();

export function signatureOf(op: Declaration): OpSignature {
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

/** Whether a node is an application of `op`: domain, name, imported version, arity and attributes all fit. */
export function matches(node: Application, op: Declaration): boolean {
  if (node.opType !== op.name || node.domain !== op.domain) return false;
  const version = node.opset;
  if (version === undefined || version < (op.since[0] ?? 1) || (op.until !== undefined && version >= op.until))
    return false;
  return fits(node, op);
}

/** Whether arity and attributes of a node are what the declaration says. */
export function fits(node: Application, op: Declaration): boolean {
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

function arity(given: readonly unknown[], { optional, variadic }: SlotList): boolean {
  if (given.length > optional.length && !variadic && given.some((v, i) => v !== undefined && i >= optional.length))
    return false;
  return optional.every((may, i) => may || given[i] !== undefined);
}

function attributesFit(node: Application, op: Declaration): boolean {
  for (const [name, attr] of node.attrs) {
    const s: AttrSpec<unknown> | undefined = Object.hasOwn(op.attrs, name) ? op.attrs[name] : undefined;
    if (!s || s.kind !== attr.kind) return false;
    if (s.since !== undefined && (node.opset ?? 0) < s.since) return false;
    if (s.until !== undefined && (node.opset ?? 0) >= s.until) return false;
    if (s.choices && attr.kind === 'string' && !s.choices.includes(attrText(attr.value))) return false;
  }
  return true;
}

/** A node read through a declaration that fits it: inputs, outputs and attributes by their names there. */
export class Lens {
  readonly #signature: OpSignature;

  constructor(
    private readonly node: Application,
    op: Declaration,
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

function slotView(values: readonly unknown[], { names, variadic }: SlotList): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const [i, name] of names.entries())
    view[name] = variadic && i === names.length - 1 ? values.slice(i) : values[i];
  return view;
}

/** Lists of attributes longer than this are read when asked for. */
const MAX_READ_AT_ONCE = 16;

const isLong = (a: AttrOf<unknown>): boolean => 'values' in a && a.values.length > MAX_READ_AT_ONCE;

function attrView(node: Application, specs: OpSignature['attrs']): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const [name, s] of specs) {
    const given = node.attrs.get(name);
    if (!given) view[name] = s.fallback;
    else if (isLong(given)) Object.defineProperty(view, name, { enumerable: true, get: () => s.read(given) });
    else view[name] = s.read(given);
  }
  return view;
}
