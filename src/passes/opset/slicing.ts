import { attrOf } from '../../graph/attr.js';
import type { Editor } from '../../graph/edit.js';
import type { Attr, Node, Value } from '../../graph/ir.js';
import { Pad, Pad2, scalarOf, Slice, Slice1, Split, Split13, Split2 } from '../../ops/index.js';
import { dtypeOf, rankOf, shapeOf } from '../../ops/tensors.js';
import { fromFloat64 } from '../../tensor/tensor.js';
import { rawInts } from './axes.js';
import { constant, int64Constant, nameFor, of, type OpsetChange, refuse, setInput } from './step.js';

/* Pad, Slice and Split: their settings were attributes and became inputs. */

const rawFloat = (node: Node, name: string): Attr | undefined => {
  const a = node.attrs.get(name);
  return a?.kind === 'float' ? a : undefined;
};

/** Whether a number is one that an attribute, which is float32, holds exactly. */
export const isFloat32 = (n: number): boolean => Object.is(Math.fround(n), n) || Number.isNaN(n);

const pads: readonly OpsetChange[] = [
  {
    op: 'Pad',
    version: 11,
    changes: 'pads and value became inputs',
    up: of(Pad2, (node) => {
      const amounts = rawInts(node, 'pads') ?? [];
      const { value } = node.attr;
      const given = rawFloat(node, 'value') && value !== 0;
      const dtype = dtypeOf(node.in.x);
      if (given && dtype !== 'float32' && dtype !== 'float64' && dtype !== 'float16')
        return refuse('the element type is not known, which the value must have as an input');
      return (edit) => {
        edit.removeAttr(node, 'pads');
        edit.removeAttr(node, 'value');
        setInput(edit, node, 1, int64Constant(edit, node, amounts, 'pads'));
        if (given)
          setInput(
            edit,
            node,
            2,
            constant(edit, node, fromFloat64(dtype as 'float32', [], Float64Array.of(value)), nameFor(node, 'value')),
          );
      };
    }),
    down: of(Pad, (node, at) => {
      const amounts = at.ints(node.in.pads);
      if (!amounts) return refuse('pads are computed; before opset 11 they are an attribute');
      const value = node.in.value ? scalarOf(node.in.value) : 0;
      if (value === undefined) return refuse('the value is computed; before opset 11 it is an attribute');
      if (!isFloat32(value)) return refuse(`the value ${value} is not a float32, which the attribute holds`);
      const { x } = node.in;
      return (edit) => {
        edit.setInputList(node, [x]);
        edit.setAttr(node, attrOf.ints('pads', amounts));
        if (value !== 0) edit.setAttr(node, attrOf.float('value', value));
      };
    }),
  },
  {
    op: 'Pad',
    version: 18,
    changes: 'axes came as an input',
    down: of(Pad, (node, at) => {
      const { x, pads, axes } = node.in;
      if (!axes) return undefined;
      const rank = rankOf(x);
      const listed = at.numbers(axes);
      if (rank === undefined || !listed) return refuse('axes are computed, or the rank is not known');
      const counted = listed.map((a) => (a < 0 ? a + rank : a));
      if (counted.length === rank && counted.every((a, i) => a === i))
        return (edit) => setInput(edit, node, 3, undefined);
      const amounts = at.ints(pads);
      if (!amounts) return refuse('pads for some axes only are computed');
      const all = Array.from({ length: 2 * rank }, () => 0n);
      counted.forEach((axis, i) => {
        all[axis] = amounts[i] ?? 0n;
        all[rank + axis] = amounts[counted.length + i] ?? 0n;
      });
      return (edit) => {
        setInput(edit, node, 3, undefined);
        setInput(edit, node, 1, int64Constant(edit, node, all, 'pads'));
      };
    }),
  },
  {
    op: 'Pad',
    version: 19,
    changes: "mode 'wrap' came",
    down: of(Pad, (node) => (node.attr.mode === 'wrap' ? refuse("mode 'wrap' came with opset 19") : undefined)),
  },
];

const slices: readonly OpsetChange[] = [
  {
    op: 'Slice',
    version: 10,
    changes: 'starts, ends and axes became inputs; steps came',
    up: of(Slice1, (node) => {
      const [starts, ends, axes] = ['starts', 'ends', 'axes'].map((name) => rawInts(node, name));
      return (edit) => {
        for (const name of ['starts', 'ends', 'axes']) edit.removeAttr(node, name);
        const list = (values: readonly bigint[] | undefined, name: string): Value | undefined =>
          values && int64Constant(edit, node, values, name);
        const inputs = [node.inputs[0], list(starts, 'starts'), list(ends, 'ends'), list(axes, 'axes')];
        edit.setInputList(node, axes ? inputs : inputs.slice(0, 3));
      };
    }),
    down: of(Slice, (node, at) => {
      const { x, starts, ends, axes, steps } = node.in;
      const [from, to] = [at.ints(starts), at.ints(ends)];
      const along = axes ? at.ints(axes) : undefined;
      if (!from || !to || (axes && !along)) return refuse('the range is computed; before opset 10 it is an attribute');
      const by = steps ? at.ints(steps) : [];
      if (!by) return refuse('steps are computed; before opset 10 there are none');
      if (by.some((s) => s !== 1n)) return refuse(`a step of ${by.find((s) => s !== 1n)}; before opset 10 all are 1`);
      return (edit) => {
        edit.setInputList(node, [x]);
        edit.setAttr(node, attrOf.ints('starts', from));
        edit.setAttr(node, attrOf.ints('ends', to));
        if (along) edit.setAttr(node, attrOf.ints('axes', along));
      };
    }),
  },
  {
    op: 'Slice',
    version: 11,
    changes: 'axes may count from the back, and steps be negative',
    down: of(Slice, (node, at) => {
      const { x, axes, steps } = node.in;
      const by = steps ? at.ints(steps) : [];
      if (!by || by.some((s) => s < 0n)) return refuse('steps are computed or negative, which came with opset 11');
      const along = axes ? at.numbers(axes) : [];
      if (!along) return refuse('axes are computed, and may count from the back, which came with opset 11');
      if (along.every((a) => a >= 0)) return undefined;
      const rank = rankOf(x);
      if (rank === undefined)
        return refuse('axes count from the back, which came with opset 11, and the rank is not known');
      const counted = along.map((a) => (a < 0 ? a + rank : a));
      return (edit) => setInput(edit, node, 3, int64Constant(edit, node, counted, 'axes'));
    }),
  },
];

/** Writes the sizes of the parts of a Split as an input. */
const writeSizes = (edit: Editor, node: Node, sizes: readonly (number | bigint)[]): void =>
  setInput(edit, node, 1, int64Constant(edit, node, sizes, 'split'));

const splits: readonly OpsetChange[] = [
  {
    op: 'Split',
    version: 13,
    changes: 'split became an input',
    up: of(Split2, (node) => {
      const sizes = rawInts(node, 'split');
      if (!sizes) return undefined;
      return (edit) => {
        edit.removeAttr(node, 'split');
        writeSizes(edit, node, sizes);
      };
    }),
    down: of(Split13, (node, at) => {
      if (!node.in.split) return undefined;
      const sizes = at.ints(node.in.split);
      if (!sizes) return refuse('split is computed; before opset 13 it is an attribute');
      return (edit) => {
        setInput(edit, node, 1, undefined);
        edit.setAttr(node, attrOf.ints('split', sizes));
      };
    }),
  },
  {
    op: 'Split',
    version: 18,
    changes: 'num_outputs came, needed where split is absent; the last part may be smaller',
    up: of(Split13, (node) =>
      node.in.split ? undefined : (edit) => edit.setAttr(node, attrOf.int('num_outputs', node.outputs.length)),
    ),
    down: of(Split, (node) => {
      const count = node.attr.num_outputs;
      if (count === undefined) return undefined;
      const shape = shapeOf(node.in.x);
      const size = shape?.[node.attr.axis < 0 ? node.attr.axis + shape.length : node.attr.axis];
      if (typeof size !== 'number')
        return refuse(
          `the size of the axis is not known, and ${count} parts of it may differ, which came with opset 18`,
        );
      const part = Math.ceil(size / count);
      const sizes = Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
      return (edit) => {
        edit.removeAttr(node, 'num_outputs');
        if (size % count !== 0) writeSizes(edit, node, sizes);
      };
    }),
  },
];

export const SLICING_CHANGES: readonly OpsetChange[] = [...pads, ...slices, ...splits];
