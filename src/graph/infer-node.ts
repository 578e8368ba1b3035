import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { elementCount } from '../tensor/dtype.js';
import { asFloat64, type Tensor } from '../tensor/tensor.js';
import { checkElementTypes } from './element-types.js';
import { constantTensor, type Node, type Value } from './ir.js';
import { mutable } from './mutate.js';
import type { AnyOpDef } from './op-def.js';
import { signatureOf, Lens } from './signature.js';
import { type Dim, equalTensorTypes, isTensorType, type Shape, type ValueType } from './types.js';

/** Integer tensors longer than this are not followed as shapes: no shape, axes or pads are. */
const MAX_FOLLOWED_INTS = 1024;

/** The integers that values are known to hold, beside constants. */
export type KnownInts = WeakMap<Value, readonly Dim[]>;

const noInts: KnownInts = new WeakMap();

/** The integers of a constant, or those followed through shape arithmetic. */
export function intsOf(value: Value | undefined, known: KnownInts): readonly Dim[] | undefined {
  if (!value) return undefined;
  const constant = constantTensor(value);
  return constant ? constantInts(constant) : known.get(value);
}

/** The elements of a short tensor of int64, int32 or bool. */
export function constantInts(t: Tensor): readonly number[] | undefined {
  const followed = t.dtype === 'int64' || t.dtype === 'int32' || t.dtype === 'bool';
  return followed && elementCount(t.shape) <= MAX_FOLLOWED_INTS ? Array.from(asFloat64(t)) : undefined;
}

/** What the functions of a declaration are called with. */
export const inferArgs = (node: Node, op: AnyOpDef, known: KnownInts): never => {
  const view = new Lens(node, op);
  const args = { in: view.in, out: view.out, attr: view.attr, node, ints: (v: Value | undefined) => intsOf(v, known) };
  return args as never;
};

/**
 * Gives the outputs of one node the types that its declaration infers, joined with what is known already; sizes that
 * stay open take their names from `nextSize`. Throws `graph/shape`.
 */
export function inferNode(node: Node, op: AnyOpDef, known: KnownInts = noInts, nextSize?: () => string): void {
  const args = inferArgs(node, op, known);
  let types: OutputTypes | undefined;
  try {
    types = op.infer?.(args) as typeof types;
    if (op.data && node.outputs[0]) {
      const ints = op.data(args);
      if (ints && ints.length <= MAX_FOLLOWED_INTS) known.set(node.outputs[0], ints);
    }
  } catch (error) {
    if (!(error instanceof CnnxError)) throw error;
    throw error.within({ node: node.name ?? `${node.opType} that makes ${printable(node.outputs[0]?.name ?? '')}` });
  }
  if (types) setOutputTypes(node, op, types, nextSize);
  checkElementTypes(node, op);
}

type OutputTypes = Readonly<Record<string, ValueType | undefined | readonly (ValueType | undefined)[]>>;

function setOutputTypes(node: Node, op: AnyOpDef, types: OutputTypes, nextSize: (() => string) | undefined): void {
  const list = signatureOf(op).outputs.names.flatMap((name) => types[name]);
  node.outputs.forEach((value, i) => {
    if (!value) return;
    try {
      mutable(value).type = shared(named(joinTypes(value.type, list[i], value, node), nextSize), node);
    } catch (error) {
      // A file may be wrong about a shape and still sound: what comes after goes by what the node gives.
      if (error instanceof CnnxError && error.code === 'graph/declared') mutable(value).type = list[i];
      throw error;
    }
  });
}

/** A type whose open sizes have names. */
function named(type: ValueType | undefined, nextSize: (() => string) | undefined): ValueType | undefined {
  if (!nextSize || !isTensorType(type) || !type.shape?.includes(undefined)) return type;
  return { ...type, shape: type.shape.map((d) => d ?? nextSize()) };
}

/** A type, or the same one of an input: in a large graph nearly every value has that, and they need only one. */
function shared(type: ValueType | undefined, node: Node): ValueType | undefined {
  return node.inputs.find((input) => input?.type && equalTensorTypes(input.type, type))?.type ?? type;
}

/**
 * All that two descriptions of one value say together. Throws when they cannot both be true: `graph/shape`, or
 * `graph/declared` when only the shapes differ.
 */
export function joinTypes(
  a: ValueType | undefined,
  b: ValueType | undefined,
  value: Value,
  node?: Node,
): ValueType | undefined {
  if (!a || !b) return a ?? b;
  if (!isTensorType(a) || !isTensorType(b)) return a;
  const dtype = a.dtype === 'undefined' ? b.dtype : a.dtype;
  const clash = (code: 'graph/declared' | 'graph/shape'): never => {
    const text = (t: Shape | undefined): string => (t ? `[${t.map((d) => d ?? '?').join(',')}]` : '');
    throw new CnnxError(
      code,
      `${printable(value.name)} is declared as ${a.dtype}${text(a.shape)}, and inferred as ${b.dtype}${text(b.shape)}`,
      {
        at: { value: value.name, node: node?.name },
      },
    );
  };
  if (b.dtype !== 'undefined' && dtype !== b.dtype) clash('graph/shape');
  if (!a.shape || !b.shape) return { ...a, dtype, shape: a.shape ?? b.shape };
  if (a.shape.length !== b.shape.length) clash('graph/declared');
  const { shape } = b;
  const joined = a.shape.map((d, i) => {
    const e = shape[i];
    if (typeof d === 'number' && typeof e === 'number' && d !== e) clash('graph/declared');
    if (typeof e === 'number') return e;
    return d ?? e;
  });
  return { ...a, dtype, shape: joined };
}
