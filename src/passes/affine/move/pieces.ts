import type { Node, Value } from '../../../graph/ir.js';
import { Concat, constantOf, DepthToSpace, Gather, sliceParams, SpaceToDepth, splitSizes } from '../../../ops/index.js';
import { rankOf, shapeOf } from '../../../ops/tensors.js';
import { asFloat64, isNumeric } from '../../../tensor/tensor.js';
import type { Step } from './steps.js';

/* Operators that take a value apart or put it together, as steps of a grid. */

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

const lengthOf = (value: Value, axis: number): number | undefined => {
  const length = shapeOf(value)?.[axis];
  return typeof length === 'number' ? length : undefined;
};

/** Indices that a range with a step selects of an axis of `length`, as ONNX clamps them. */
export function selected(start: number, end: number, step: number, length: number): number[] {
  const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v < 0 ? v + length : v, low), high);
  const first = step > 0 ? clamp(start, 0, length) : clamp(start, 0, length - 1);
  const last = step > 0 ? clamp(end, 0, length) : clamp(end, -1, length - 1);
  const count = Math.max(0, Math.ceil((last - first) / step));
  return Array.from({ length: count }, (_, i) => first + i * step);
}

export function sliced(node: Node, input: Value): readonly Step[] | undefined {
  const ranges = sliceParams(node);
  if (!ranges || ranges.steps.includes(0)) return undefined;
  return ranges.axes.map((axis, i): Step => {
    const length = lengthOf(input, axis);
    const [start = 0, end = 0, step = 1] = [ranges.starts[i], ranges.ends[i], ranges.steps[i]];
    const index = length === undefined ? undefined : selected(start, end, step, length);
    return { kind: 'pick', axis, index, length, shared: false };
  });
}

export function gathered(node: Node, input: Value): readonly Step[] | undefined {
  if (!node.is(Gather)) return undefined;
  const indices = constantOf(node.in.indices);
  const rank = rankOf(input);
  if (!indices || !isNumeric(indices.dtype) || indices.shape.length !== 1 || rank === undefined) return undefined;
  const axis = node.attr.axis < 0 ? node.attr.axis + rank : node.attr.axis;
  const length = lengthOf(input, axis);
  const index = Array.from(asFloat64(indices), (i) => (i < 0 ? i + (length ?? 0) : i));
  return [{ kind: 'pick', axis, index: length === undefined ? undefined : index, length, shared: false }];
}

export function split(node: Node, input: Value, output: Value): readonly Step[] | undefined {
  const parts = splitSizes(node);
  if (!parts) return undefined;
  const at = node.outputs.indexOf(output);
  const start = parts.sizes.slice(0, at).reduce((n, s) => n + s, 0);
  const index = range(start, start + (parts.sizes[at] ?? 0));
  return [{ kind: 'pick', axis: parts.axis, index, length: lengthOf(input, parts.axis), shared: true }];
}

export function joined(node: Node, input: Value, output: Value): readonly Step[] | undefined {
  const rank = rankOf(output);
  if (!node.is(Concat) || rank === undefined || rankOf(input) !== rank) return undefined;
  const axis = node.attr.axis < 0 ? node.attr.axis + rank : node.attr.axis;
  const lengths = node.in.xs.map((v) => lengthOf(v, axis));
  const before = lengths.slice(0, node.in.xs.indexOf(input));
  const [own, length] = [lengthOf(input, axis), lengthOf(output, axis)];
  const start = before.reduce<number | undefined>(
    (n, l) => (n === undefined || l === undefined ? undefined : n + l),
    0,
  );
  const index = start === undefined || own === undefined ? undefined : range(start, start + own);
  return [{ kind: 'place', axis, index, length }];
}

/** Both are a view of six axes, a Transpose of them, and a view of four; the blocks of space are of one element for a grid that does not vary there. */
export function blocks(node: Node, input: Value, output: Value): readonly Step[] | undefined {
  const toDepth = node.is(SpaceToDepth);
  if (!toDepth && !node.is(DepthToSpace)) return undefined;
  const b = node.attr.blocksize;
  const [wide, c] = [lengthOf(toDepth ? output : input, 1), lengthOf(toDepth ? input : output, 1)];
  if (rankOf(input) !== 4 || c === undefined || wide !== c * b * b) return undefined;
  // Names for the sizes that do not matter.
  const [n, h, w, large] = ['n', 'h', 'w', ['hb', 'wb']];
  const crd = node.attr.mode === 'CRD';
  const deep = crd ? [n, c, b, b, h, w] : [n, b, b, c, h, w];
  // The axes of N,C,H,b,W,b in `deep`.
  const perm = crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  const apart = perm.map((p) => deep[p]);
  const steps: readonly Step[] = [
    { kind: 'view', from: [n, wide, h, w], to: deep },
    { kind: 'permute', perm },
    { kind: 'view', from: apart, to: [n, c, ...large] },
  ];
  if (!toDepth) return steps;
  const back = perm.map((_, i) => perm.indexOf(i));
  return [
    { kind: 'view', from: [n, c, ...large], to: apart },
    { kind: 'permute', perm: back },
    { kind: 'view', from: deep, to: [n, wide, h, w] },
  ];
}
