import { attr, defineOp } from '../graph/op-def.js';
import type { Value } from '../graph/ir.js';
import type { Dim, Shape } from '../graph/types.js';
import { type AutoPad, transposedOutput, windowOutput } from './shape-rules.js';
import { expectRank, like, shapeError, shapeOf, shapeText, sharedDim } from './tensors.js';
import { FLOATS } from './types.js';

export const AUTO_PAD = attr.oneOf('NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID');

export const convAttrs = {
  auto_pad: AUTO_PAD,
  dilations: attr.ints(),
  group: attr.int(1),
  kernel_shape: attr.ints(),
  pads: attr.ints(),
  strides: attr.ints(),
};

export interface ConvAttrs {
  readonly auto_pad: AutoPad;
  readonly dilations: readonly number[] | undefined;
  readonly group: number;
  readonly kernel_shape: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** kernel_shape where given; it must be what the weight's shape says. */
function kernelOf(w: Value, a: { readonly kernel_shape: readonly number[] | undefined }): readonly Dim[] | undefined {
  const spatial = shapeOf(w)?.slice(2);
  if (!a.kernel_shape) return spatial;
  if (spatial && (spatial.length !== a.kernel_shape.length || a.kernel_shape.some((k, i) => clash(k, spatial[i]))))
    throw shapeError(`kernel_shape ${shapeText(a.kernel_shape)} and the weight ${shapeText(shapeOf(w) ?? [])} differ`);
  return a.kernel_shape;
}

const clash = (a: Dim, b: Dim): boolean => typeof a === 'number' && typeof b === 'number' && a !== b;

/** One number for each output channel. Throws `graph/shape`. */
export function checkBias(b: Value | undefined, outputs: Dim): void {
  const shape = shapeOf(b);
  expectRank(shape, 1, 'the bias');
  if (shape) sharedDim(outputs, shape[0], 'output channels, and numbers of the bias');
}

/** N,M,E1..En from x: N,C,D1..Dn and w: M,C/group,k1..kn. Throws `graph/shape`. */
export function convShape(x: Value, w: Value, a: ConvAttrs): Shape | undefined {
  const input = shapeOf(x);
  const weight = shapeOf(w);
  if (!input) return undefined;
  expectRank(input, 3, 'the input', false);
  expectRank(weight, input.length, 'the weight');
  const [channels, outputs, perGroup] = [input[1], weight?.[0], weight?.[1]];
  if (typeof channels === 'number' && typeof perGroup === 'number' && channels !== perGroup * a.group)
    throw shapeError(
      `the input has ${channels} channels; the weight ${shapeText(weight ?? [])} takes ${perGroup * a.group}` +
        (a.group === 1 ? '' : ` (${a.group} groups of ${perGroup})`),
    );
  if (typeof outputs === 'number' && outputs % a.group !== 0)
    throw shapeError(`${outputs} output channels cannot be divided into ${a.group} groups`);
  const kernel = kernelOf(w, a);
  const spatial = input.slice(2);
  const sizes = kernel
    ? windowOutput(spatial, { ...a, kernel, autoPad: a.auto_pad })
    : spatial.map((): Dim => undefined);
  return [input[0], outputs, ...sizes];
}

export const Conv = defineOp({
  name: 'Conv',
  since: [1, 11, 22],
  doc: 'N-d convolution. x: N,C,D1..Dn. w: M,C/group,k1..kn. b: M. y: N,M,E1..En.',
  inputs: { x: 'T', w: 'T', b: 'T?' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: convAttrs,
  infer({ in: { x, w, b }, attr }) {
    checkBias(b, shapeOf(w)?.[0]);
    return { y: like(x, convShape(x, w, attr)) };
  },
});

export const ConvTranspose = defineOp({
  name: 'ConvTranspose',
  since: [1, 11, 22],
  doc: 'N-d transposed convolution. x: N,C,D1..Dn. w: C,M/group,k1..kn. b: M. y: N,M,E1..En.',
  inputs: { x: 'T', w: 'T', b: 'T?' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: { ...convAttrs, output_padding: attr.ints(), output_shape: attr.ints() },
  infer({ in: { x, w, b }, attr }) {
    const input = shapeOf(x);
    const weight = shapeOf(w);
    if (!input) return { y: like(x, undefined) };
    expectRank(input, 3, 'the input', false);
    expectRank(weight, input.length, 'the weight');
    sharedDim(input[1], weight?.[0], 'channels of the input, and those that the weight takes');
    const perGroup = weight?.[1];
    const outputs = typeof perGroup === 'number' ? perGroup * attr.group : attr.group === 1 ? perGroup : undefined;
    checkBias(b, outputs);
    const kernel = kernelOf(w, attr) ?? input.slice(2).map((): Dim => undefined);
    const sizes = transposedOutput(input.slice(2), {
      ...attr,
      kernel,
      autoPad: attr.auto_pad,
      outputPadding: attr.output_padding,
      outputShape: attr.output_shape,
    });
    return { y: like(x, [input[0], outputs, ...sizes]) };
  },
});

export const DeformConv = defineOp({
  name: 'DeformConv',
  since: [19, 22],
  doc: 'Convolution whose taps are moved by offsets and weighted by a mask. x: N,C,H,W. w: M,C/group,kH,kW. y: N,M,OH,OW. offset: N,offset_group*kH*kW*2,OH,OW.',
  inputs: { x: 'T', w: 'T', offset: 'T', b: 'T?', mask: 'T?' },
  outputs: { y: 'T' },
  types: { T: FLOATS },
  attrs: {
    dilations: attr.ints(),
    group: attr.int(1),
    kernel_shape: attr.ints(),
    offset_group: attr.int(1),
    pads: attr.ints(),
    strides: attr.ints(),
  },
  infer({ in: { x, w, b }, attr }) {
    checkBias(b, shapeOf(w)?.[0]);
    return { y: like(x, convShape(x, w, { ...attr, auto_pad: 'NOTSET' })) };
  },
});
