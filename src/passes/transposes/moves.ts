import { type Attr, attrOf } from '../../graph/attr.js';
import type { Editor } from '../../graph/edit.js';
import type { Node, Value } from '../../graph/ir.js';
import {
  Concat,
  constantOf,
  Gather,
  LogSoftmax,
  Pad,
  padding,
  reduceAxes,
  REDUCTIONS,
  Slice,
  sliceParams,
  Softmax,
  Split,
  Split13,
  Split2,
  Squeeze,
  squeezeAxes,
  Unsqueeze,
  unsqueezeAxes,
} from '../../ops/index.js';
import { rankOf } from '../../ops/tensors.js';
import { int64Tensor } from '../../tensor/tensor.js';
import { isElementwise } from './elementwise.js';
import { type Permutation, without, withAxes } from './permutation.js';

/** How a node is written for inputs whose axes stand in another order. */
export interface Move {
  /** The inputs that are in another order; the others are lists and numbers. */
  readonly data: readonly number[];
  /** The order of what comes out, for one of what goes in; undefined where it cannot be said. */
  readonly forward: (p: Permutation) => Permutation;
  /** The order of what goes in, for one of what comes out. */
  readonly backward: (p: Permutation) => Permutation | undefined;
  /** Inputs (by their place) and attributes that say axes, for an order of what goes in. */
  readonly rewrite: (
    p: Permutation,
    edit: Editor,
  ) => { readonly inputs?: ReadonlyMap<number, Value>; readonly attrs?: readonly Attr[] };
}

const keep = (p: Permutation): Permutation => p;
const mapped = (axis: number, p: Permutation): number => p[axis < 0 ? axis + p.length : axis] ?? axis;
const all = (node: Node): number[] => node.inputs.map((_, i) => i);

/** How a node is moved; undefined for one whose axes are not free, or not known. */
export function moveOf(node: Node): Move | undefined {
  if (isElementwise(node)) return { data: all(node), forward: keep, backward: keep, rewrite: () => ({}) };
  const byAxis = axisAttribute(node);
  if (byAxis) return byAxis;
  if (node.is(Slice)) return sliceMove(node);
  if (node.is(Pad)) return padMove(node);
  return reduceMove(node) ?? viewMove(node);
}

function axisAttribute(node: Node): Move | undefined {
  const isJoin = node.is(Concat);
  const isOther = [LogSoftmax, Softmax, Split, Split13, Split2].some((op) => node.is(op));
  const isChoice = node.is(Gather) && rankOf(node.in.indices) === 1;
  if (!isJoin && !isOther && !isChoice) return undefined;
  const attr = node.attrs.get('axis');
  const axis = attr?.kind === 'int' ? Number(attr.value) : node.is(Softmax) || node.is(LogSoftmax) ? -1 : 0;
  return {
    data: isJoin ? all(node) : [0],
    forward: keep,
    backward: keep,
    rewrite: (p) => ({ attrs: [attrOf.int('axis', mapped(axis, p))] }),
  };
}

function ints(values: readonly number[], node: Node, edit: Editor, hint: string): Value {
  return edit.constant(
    node.graph,
    int64Tensor([values.length], values),
    `${node.outputs[0]?.name ?? node.opType}_${hint}`,
  );
}

function sliceMove(node: Node): Move | undefined {
  const params = sliceParams(node);
  if (!params) return undefined;
  return {
    data: [0],
    forward: keep,
    backward: keep,
    rewrite: (p, edit) => ({
      inputs: new Map([
        [
          3,
          ints(
            params.axes.map((a) => mapped(a, p)),
            node,
            edit,
            'axes',
          ),
        ],
      ]),
    }),
  };
}

function padMove(node: Node): Move | undefined {
  const given = padding(node);
  if (!given) return undefined;
  return {
    data: [0],
    forward: keep,
    backward: keep,
    rewrite: (p, edit) => {
      const [begin, end] = [given.begin, given.end].map((side) => p.map((_, i) => side[p.indexOf(i)] ?? 0));
      const pads = ints([...(begin ?? []), ...(end ?? [])], node, edit, 'pads');
      const axes = node.inputs[3]
        ? [
            [
              3,
              ints(
                p.map((_, i) => i),
                node,
                edit,
                'axes',
              ),
            ] as const,
          ]
        : [];
      return { inputs: new Map([[1, pads], ...axes]) };
    },
  };
}

function reduceMove(node: Node): Move | undefined {
  if (!REDUCTIONS.some((op) => node.is(op))) return undefined;
  const axes = reduceAxes(node);
  const kept = node.attrs.get('keepdims');
  if (!axes || axes.length === 0) return undefined;
  const keeps = kept?.kind !== 'int' || kept.value !== 0n;
  return {
    data: [0],
    forward: keeps ? keep : (p) => without(p, axes),
    backward: keeps ? keep : () => undefined,
    rewrite: (p, edit) => ({
      inputs: new Map([
        [
          1,
          ints(
            axes.map((a) => mapped(a, p)),
            node,
            edit,
            'axes',
          ),
        ],
      ]),
    }),
  };
}

function viewMove(node: Node): Move | undefined {
  if (node.is(Unsqueeze)) {
    const axes = unsqueezeAxes(node);
    return (
      axes && {
        data: [0],
        forward: (p) => withAxes(p, axes),
        // Only where the new axes stand at the same places in either order.
        backward: (p) => (axes.every((a) => p[a] === a) ? without(p, axes) : undefined),
        rewrite: () => ({}),
      }
    );
  }
  const axes = node.is(Squeeze) && node.in.axes && constantOf(node.in.axes) ? squeezeAxes(node) : undefined;
  return (
    axes && {
      data: [0],
      forward: (p) => without(p, axes),
      backward: () => undefined,
      rewrite: (p, edit) => ({
        inputs: new Map([
          [
            1,
            ints(
              axes.map((a) => mapped(a, p)),
              node,
              edit,
              'axes',
            ),
          ],
        ]),
      }),
    }
  );
}
