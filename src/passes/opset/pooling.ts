import { attrOf } from '../../graph/attr.js';
import type { Value } from '../../graph/ir.js';
import { AveragePool, ConvTranspose, LpPool, MaxPool } from '../../ops/index.js';
import { shapeOf } from '../../ops/tensors.js';
import { isUsed, type Move, of, type OpsetChange, refuse } from './step.js';

/* Windows: attributes that came, and how ConvTranspose divides an odd padding. */

const ones = (list: readonly number[] | undefined): boolean => list?.every((n) => n === 1) ?? true;

/** Goes where dilations are all 1, and the other new attributes at their defaults. */
const withoutDilations = (
  version: number,
  dilations: readonly number[] | undefined,
  ceil: number | undefined,
): ReturnType<Move> => {
  if (!ones(dilations)) return refuse(`dilations of ${dilations?.join(',')} came with opset ${version}`);
  if (ceil) return refuse(`ceil_mode came with opset ${version}`);
  return undefined;
};

/** Whether both versions of ConvTranspose give the same pads: explicit ones, or even ones. */
const sidesAgree: Move = of(ConvTranspose, (node) => {
  const { attr } = node;
  const auto = attr.auto_pad === 'SAME_UPPER' || attr.auto_pad === 'SAME_LOWER';
  if (!auto && !attr.output_shape) return undefined;
  const [input, output] = [shapeOf(node.in.x)?.slice(2), shapeOf(node.out.y)?.slice(2)];
  const kernel = attr.kernel_shape ?? shapeOf(node.in.w)?.slice(2);
  const even = input?.every((size, i) => {
    const [k, out] = [kernel?.[i], output?.[i]];
    if (typeof size !== 'number' || typeof k !== 'number' || typeof out !== 'number') return false;
    const stride = attr.strides?.[i] ?? 1;
    const whole = stride * (size - 1) + (attr.output_padding?.[i] ?? 0) + (k - 1) * (attr.dilations?.[i] ?? 1) + 1;
    return (whole - out) % 2 === 0;
  });
  return even ? undefined : refuse('an odd padding may lie on the other side: opset 11 turned the rule for it round');
});

interface Windows {
  readonly auto_pad: string;
  readonly kernel_shape: readonly number[];
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** Pads that give by rounding down the windows that the given ones give by rounding up; undefined where the sizes are not known. */
function padsForFloor(x: Value, { auto_pad, kernel_shape, pads, strides }: Windows): readonly number[] | undefined {
  const sizes = shapeOf(x)?.slice(2);
  if (auto_pad !== 'NOTSET' || !sizes?.every((d) => typeof d === 'number')) return undefined;
  const count = kernel_shape.length;
  const ends = kernel_shape.map((kernel, i) => {
    const [begin, end, stride] = [pads?.[i] ?? 0, pads?.[count + i] ?? 0, strides?.[i] ?? 1];
    const room = (sizes[i] ?? 0) + begin + end - kernel;
    const last = stride * Math.ceil(room / stride);
    // A last window that would start in the padding is not there.
    const kept = last < (sizes[i] ?? 0) + begin ? last : last - stride;
    return end + Math.max(0, kept - room);
  });
  return [...kernel_shape.map((_, i) => pads?.[i] ?? 0), ...ends];
}

/** Whether a last window may start in the padding behind the input, which rounding sizes up allows. */
const overhangs = (op: typeof MaxPool | typeof AveragePool): Move =>
  of(op, (node) => {
    const { ceil_mode, kernel_shape, strides, dilations, pads, auto_pad } = node.attr;
    if (ceil_mode === 0 || auto_pad !== 'NOTSET') return undefined;
    const sizes = shapeOf(node.in.x)?.slice(2);
    const within = kernel_shape.every((k, i) => {
      const [stride, begin, end] = [strides?.[i] ?? 1, pads?.[i] ?? 0, pads?.[kernel_shape.length + i] ?? 0];
      const reach = (k - 1) * (dilations?.[i] ?? 1) + 1;
      if (stride + end <= reach) return true;
      const size = sizes?.[i];
      if (typeof size !== 'number') return false;
      return stride * Math.ceil((size + begin + end - reach) / stride) < size + begin;
    });
    return within
      ? undefined
      : refuse('with ceil_mode, a last window may start in the padding, and is left out from opset 22 on');
  });

export const WINDOW_CHANGES: readonly OpsetChange[] = [
  {
    op: 'MaxPool',
    version: 8,
    changes: 'indices and storage_order came',
    down: of(MaxPool, (node) => {
      if (isUsed(node.out.indices)) return refuse('its indices are used, which came with opset 8');
      return (edit) => {
        edit.dropOutputs(node, 1);
        edit.removeAttr(node, 'storage_order');
      };
    }),
  },
  {
    op: 'MaxPool',
    version: 10,
    changes: 'dilations and ceil_mode came; larger pads before',
    down: of(MaxPool, (node) => {
      const { dilations, ceil_mode } = node.attr;
      const pads = ceil_mode === 0 ? [] : padsForFloor(node.in.x, node.attr);
      const refused = withoutDilations(10, dilations, pads ? 0 : ceil_mode);
      if (refused || !pads) return refused;
      return (edit) => {
        edit.removeAttr(node, 'dilations');
        edit.removeAttr(node, 'ceil_mode');
        if (pads.length > 0) edit.setAttr(node, attrOf.ints('pads', pads));
      };
    }),
  },
  {
    op: 'AveragePool',
    version: 10,
    changes: 'ceil_mode came; larger pads before, where they do not count',
    down: of(AveragePool, (node) => {
      const { ceil_mode, count_include_pad } = node.attr;
      if (ceil_mode === 0) return undefined;
      const pads = count_include_pad === 0 ? padsForFloor(node.in.x, node.attr) : undefined;
      if (!pads) return refuse('ceil_mode came with opset 10, and the sizes are not known or the padding counts');
      return (edit) => {
        edit.removeAttr(node, 'ceil_mode');
        edit.setAttr(node, attrOf.ints('pads', pads));
      };
    }),
  },
  ...[MaxPool, AveragePool].map((op) => ({
    op: op.name,
    version: 22,
    changes: 'a last window that starts in the padding is left out',
    up: overhangs(op),
    down: overhangs(op),
  })),
  {
    op: 'AveragePool',
    version: 19,
    changes: 'dilations came',
    down: of(
      AveragePool,
      (node) => withoutDilations(19, node.attr.dilations, 0) ?? ((edit) => edit.removeAttr(node, 'dilations')),
    ),
  },
  {
    op: 'LpPool',
    version: 18,
    changes: 'dilations and ceil_mode came',
    down: of(LpPool, (node) => {
      const refused = withoutDilations(18, node.attr.dilations, node.attr.ceil_mode);
      if (refused) return refused;
      return (edit) => {
        edit.removeAttr(node, 'dilations');
        edit.removeAttr(node, 'ceil_mode');
      };
    }),
  },
  {
    op: 'ConvTranspose',
    version: 11,
    changes: 'an odd padding that auto_pad or output_shape gives lies on the other side',
    up: sidesAgree,
    down: sidesAgree,
  },
];
