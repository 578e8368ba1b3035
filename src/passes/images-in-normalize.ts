import type { Value } from '../graph/ir.js';
import type { NodeOf } from '../graph/op-def.js';
import { Add, constantOf, Conv, Div, Floor, Gather, Mul, Sub } from '../ops/index.js';
import type { ImageSteps } from '../tensor/preprocess.js';
import { asFloat64, float32Tensor, fromFloat64, int64Tensor } from '../tensor/tensor.js';
import { constant, type Front } from './images-in-geometry.js';

type ConvNode = NodeOf<typeof Conv>;

/** What is done to the pixels of a channel: less `shift`, times `factor`. */
interface Normal {
  readonly shift: Float64Array;
  readonly factor: Float64Array;
}

/** What became of the normalisation. */
export interface Folded {
  /** Convolutions whose weights hold the division by std and the scale. */
  readonly factor: number;
  /** Whether their biases hold the mean too: only without padding, whose zeros mean "the mean" before and "black" after. */
  readonly shift: boolean;
}

/** Scale, mean and std as one subtraction and one product, by channel. In float64. */
export function normalOf({ mean, std, scale }: ImageSteps, channels: number): Normal {
  const divisor = scale === undefined ? 255 : 1 / scale;
  const of = (value: (c: number) => number): Float64Array =>
    Float64Array.from({ length: channels }, (_, c) => value(c));
  return { shift: of((c) => (mean[c] ?? 0) * divisor), factor: of((c) => 1 / (divisor * (std[c] ?? 1))) };
}

/** Colours in the order of the model, or its one channel of luma. x: pixels N,3,H,W as float32. */
export function colours(front: Front, x: Value, channels: 1 | 3, order: ImageSteps['channels']): Value {
  const { edit, graph, before } = front;
  if (channels === 3) {
    if (order !== 'bgr') return x;
    const indices = constant(front, int64Tensor([3], [2, 1, 0]), 'blue_first');
    return edit.add(graph, Gather, { x, indices }, { axis: 1 }, { before }).out.y;
  }
  // round((299 r + 587 g + 114 b) / 1000), of whole numbers below 2^24: exact in float32 up to the division, which no half is near.
  const vector = (values: readonly number[], hint: string): Value =>
    constant(front, float32Tensor([1, values.length, 1, 1], values), hint);
  const weights = constant(front, float32Tensor([1, 3, 1, 1], [299, 587, 114]), 'luma_weights');
  const sum = edit.add(graph, Conv, { x, w: weights }, {}, { before }).out.y;
  const up = edit.add(graph, Add, { a: sum, b: vector([500], 'luma_half') }, {}, { before }).out.y;
  const share = edit.add(graph, Div, { a: up, b: vector([1000], 'luma_sum') }, {}, { before }).out.y;
  return edit.add(graph, Floor, { x: share }, {}, { before }).out.y;
}

/** Subtracts and multiplies in the graph. */
export function normalized(front: Front, x: Value, { shift, factor }: Normal): Value {
  const { edit, graph, before } = front;
  const vector = (values: Float64Array, hint: string): Value =>
    constant(front, fromFloat64('float32', [1, values.length, 1, 1], values), hint);
  const less = shift.some((v) => v !== 0)
    ? edit.add(graph, Sub, { a: x, b: vector(shift, 'pixel_mean') }, {}, { before }).out.y
    : x;
  if (factor.every((v) => v === 1)) return less;
  return edit.add(graph, Mul, { a: less, b: vector(factor, 'pixel_factor') }, {}, { before }).out.y;
}

/** The convolutions that alone use a model's input, where their weights are constants of float32 over two axes; undefined otherwise. */
export function firstConvolutions(input: Value): readonly ConvNode[] | undefined {
  if (input.outputCount > 0 || input.uses.size === 0) return undefined;
  const found: ConvNode[] = [];
  for (const node of input.uses.keys()) {
    if (!node.is(Conv) || node.graph !== input.graph || node.in.x !== input || node.in.w === input) return undefined;
    const weight = constantOf(node.in.w);
    const bias = node.in.b && constantOf(node.in.b);
    if (weight?.dtype !== 'float32' || weight.shape.length !== 4 || (node.in.b && bias?.dtype !== 'float32'))
      return undefined;
    found.push(node);
  }
  return found;
}

/** Puts a normalisation into the first convolutions as far as that is exact, and gives what is left of it to be done before them. */
export function foldInto(
  front: Front,
  convolutions: readonly ConvNode[],
  normal: Normal,
): Normal & { readonly folded: Folded } {
  const shift = convolutions.every(unpadded);
  for (const conv of convolutions) fold(front, conv, shift ? normal : { ...normal, shift: normal.shift.map(() => 0) });
  return {
    shift: shift ? normal.shift.map(() => 0) : normal.shift,
    factor: normal.factor.map(() => 1),
    folded: { factor: convolutions.length, shift },
  };
}

function unpadded({ attr, in: { w } }: ConvNode): boolean {
  if (attr.auto_pad === 'VALID') return true;
  if (attr.auto_pad === 'NOTSET') return (attr.pads ?? []).every((p) => p === 0);
  return (constantOf(w)?.shape ?? []).slice(2).every((k) => k === 1);
}

/** w * ((x - shift) * factor) + b = (w factor) * x + (b - sum of w factor shift). In float64, rounded once. */
function fold({ edit, graph }: Front, conv: ConvNode, { shift, factor }: Normal): void {
  const weight = constantOf(conv.in.w);
  if (!weight) throw new Error('bug: the weights of a first convolution are no constant');
  const [outputs = 0, perGroup = 0, height = 0, width = 0] = weight.shape;
  const taps = height * width;
  const group = conv.attr.group;
  const values = asFloat64(weight);
  const bias = conv.in.b && constantOf(conv.in.b);
  const biases = bias ? asFloat64(bias) : new Float64Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const firstChannel = Math.floor(o / (outputs / group)) * perGroup;
    for (let i = 0; i < perGroup; i++) {
      const c = firstChannel + i;
      for (let k = 0; k < taps; k++) {
        const at = (o * perGroup + i) * taps + k;
        values[at] = (values[at] ?? 0) * (factor[c] ?? 1);
        biases[o] = (biases[o] ?? 0) - (values[at] ?? 0) * (shift[c] ?? 0);
      }
    }
  }
  edit.setInput(
    conv,
    1,
    edit.constant(graph, fromFloat64('float32', weight.shape, values), `${conv.in.w.name}_pixels`),
  );
  if (!bias && shift.every((v) => v === 0)) return;
  const name = conv.in.b ? `${conv.in.b.name}_pixels` : `${conv.in.w.name}_bias`;
  const vector = edit.constant(graph, fromFloat64('float32', [outputs], biases), name);
  if (conv.in.b) edit.setInput(conv, 2, vector);
  else edit.setInputList(conv, [conv.inputs[0], conv.inputs[1], vector]);
}
