import { encodeName } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Attr, attrOf } from './attr.js';
import type { Graph, Node, Value } from './ir.js';
import type { AnyOpDef, AttrSpec, OpDef, Slots } from './op-def.js';

/** The inputs of a node to be made, by the names in its declaration. */
export type InputsOf<D> =
  D extends OpDef<infer I, infer _O, infer _A>
    ? {
        readonly [K in keyof I as I[K] extends `${string}?` ? never : K]: I[K] extends `${string}*`
          ? readonly Value[]
          : Value;
      } & {
        readonly [K in keyof I as I[K] extends `${string}?` ? K : never]?: Value | undefined;
      }
    : never;

/** Attributes of a node to be made; those left out are not written. */
export type AttrsOf<D> =
  D extends OpDef<infer _I, infer _O, infer A>
    ? { readonly [K in keyof A]?: (A[K] extends AttrSpec<infer T> ? T : never) | undefined }
    : never;

/** Names and place of a node that `Editor.add` makes. */
export interface AddOptions {
  readonly name?: string | undefined;
  /** Names of the outputs, '' for one left out; made from the node's name and fresh if absent. */
  readonly outputs?: readonly string[] | undefined;
  /** Attributes copied as they stand from this node, before `attrs` overrides them. */
  readonly attrsFrom?: Node | undefined;
  /** Where in the order; last if absent. */
  readonly before?: Node | undefined;
}

/** Inputs by name in the order of the declaration. */
export function toInputs(
  op: AnyOpDef,
  inputs: Readonly<Record<string, Value | readonly Value[] | undefined>>,
): (Value | undefined)[] {
  const out: (Value | undefined)[] = [];
  for (const [name, kind] of Object.entries(op.inputs as Slots)) {
    const given = inputs[name];
    if (!kind.endsWith('*')) out.push(given as Value | undefined);
    else for (const value of (given as readonly Value[] | undefined) ?? []) out.push(value);
  }
  while (out.length > 0 && out.at(-1) === undefined) out.pop();
  return out;
}

/** An attribute of the kind that the declaration gives it. */
export function toAttr(name: string, op: AnyOpDef, value: unknown): Attr {
  const kind = op.attrs[name]?.kind as Attr['kind'] | undefined;
  switch (kind) {
    case 'int':
      return attrOf.int(name, value as number);
    case 'ints':
      return attrOf.ints(name, value as readonly number[]);
    case 'float':
      return attrOf.float(name, value as number);
    case 'floats':
      return attrOf.floats(name, value as readonly number[]);
    case 'string':
      return { name, kind, value: encodeName(value as string) };
    case 'strings':
      return attrOf.strings(name, value as readonly string[]);
    case 'tensor':
      return attrOf.tensor(name, value as Tensor);
    case 'graph':
      return attrOf.graph(name, value as Graph);
    default:
      throw new Error(`bug: ${op.name} has no attribute ${name} that code can make`);
  }
}
