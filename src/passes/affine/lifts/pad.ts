import type { Value } from '../../../graph/ir.js';
import { Pad, Pad2, padding, Slice, Slice1, sliceParams } from '../../../ops/index.js';
import { notApplicable, isSkip, type Skip, skip } from '../../rule.js';
import { shiftAxis } from '../axis.js';
import { type Bias, crossed, type FloatType, type Form, selectOutputs, UNIT_ROUNDOFF } from '../form.js';
import { composeForms } from '../compose.js';
import { type Lifting, lift } from '../lift.js';

/** Roundings, in the model's own type, by which a padding constant that the exporter computed may be off the bias that it stands for. */
const BORDER_ROUNDINGS = 8;

function isBias(bias: Bias | undefined, border: Float64Array, type: FloatType | undefined): boolean {
  if (!bias) return border.every((v) => v === 0);
  const values = bias.values();
  const magnitudes = bias.magnitudes();
  const tolerance = BORDER_ROUNDINGS * UNIT_ROUNDOFF[type ?? 'float64'];
  return border.every((v, c) => Math.abs(v - (values[c] ?? 0)) <= tolerance * (magnitudes[c] ?? 0));
}

/** `form` read through windows that only move: padded (with what the form gives on zeros) or cropped. */
function moved(form: Form, begin: readonly number[], end: readonly number[]): Form | Skip {
  const axes = begin.map((b, i) => shiftAxis(b, end[i] ?? 0));
  const channels = form.outputs;
  const term = {
    inputs: channels,
    outputs: channels,
    groups: channels,
    axes,
    kernel: () => new Float64Array(channels).fill(1),
  };
  const result = composeForms({ term }, form, true);
  return isSkip(result) ? result : { ...result, bias: form.bias };
}

/** x padded by amounts for each spatial axis, with one number a channel. Padding is linear only if that number is the bias of what is below. */
export function padded(
  x: Value,
  begin: readonly number[],
  end: readonly number[],
  borderOf: (channels: number) => Float64Array,
  at: Lifting,
): Form | Skip {
  const below = at.operand(x);
  if (isSkip(below)) return below;
  if (below.terms[0]?.axes.length !== begin.length) return skip('amount-missing');
  const grows = [...begin, ...end].some((n) => n > 0);
  if (grows && !isBias(below.bias, borderOf(below.outputs), below.type)) return skip('pad-not-bias');
  return moved(below, begin, end);
}

export const liftPad = lift(
  [Pad, Pad2],
  'Conv(Pad(x, p), w) -> Conv(x, w) with pads + p, where the padding value is what the values below are for x = 0',
  (node, at) => {
    const x = node.inputs[0];
    if (at.layout !== 'first' || !x) return notApplicable('channels-last');
    const p = padding(node);
    if (!p) return skip('amounts-computed');
    if (p.mode !== 'constant') return skip('pad-mode');
    if ([...p.begin.slice(0, 2), ...p.end.slice(0, 2)].some((n) => n !== 0)) return skip('pad-channels');
    const form = padded(
      x,
      p.begin.slice(2),
      p.end.slice(2),
      (channels) => new Float64Array(channels).fill(p.value),
      at,
    );
    return isSkip(form) ? form : crossed(form, { node });
  },
);

/** A range of an axis of a known or unknown length as what it leaves out at either end. */
function cropOf(start: number, end: number, length: number | undefined): readonly [number, number] | undefined {
  const first = start >= 0 ? start : length === undefined ? undefined : Math.max(0, length + start);
  if (first === undefined) return undefined;
  if (end < 0) return [first, -end];
  if (length !== undefined) return [first, Math.max(0, length - end)];
  return end >= 2 ** 31 - 1 ? [first, 0] : undefined;
}

/** A Slice of spatial axes crops; one of the channels selects. */
export const liftSlice = lift(
  [Slice, Slice1],
  'Conv(Slice(x), w) -> Conv(x, w) with fewer pads; Slice(Conv(x, w)) on channels -> Conv(x, Slice(w))',
  (node, at) => {
    const x = node.inputs[0];
    if (at.layout !== 'first' || !x) return notApplicable('channels-last');
    at.met.parts = true;
    if (!at.choices.parts) return notApplicable('source-cut-off');
    const ranges = sliceParams(node);
    if (!ranges) return skip('range-computed');
    if (ranges.steps.some((s) => s !== 1)) return skip('slice-step');
    let form = at.operand(x);
    if (isSkip(form)) return form;
    const shape = x.type?.kind === 'tensor' ? x.type.shape : undefined;
    const rank = form.terms[0]?.axes.length ?? 0;
    const begin = Array.from({ length: rank }, () => 0);
    const end = [...begin];
    for (const [i, axis] of ranges.axes.entries()) {
      const size = shape?.[axis];
      const length = axis === 1 ? form.outputs : typeof size === 'number' ? size : undefined;
      const crop = cropOf(ranges.starts[i] ?? 0, ranges.ends[i] ?? 0, length);
      if (axis === 0) return skip('slices-batch');
      if (!crop || (length !== undefined && crop[0] + crop[1] >= length)) return skip('range-unknown');
      if (axis === 1) form = selectOutputs(form, crop[0], form.outputs - crop[0] - crop[1]);
      else [begin[axis - 2], end[axis - 2]] = [-crop[0], -crop[1]];
    }
    const result = begin.every((n) => n === 0) && end.every((n) => n === 0) ? form : moved(form, begin, end);
    return isSkip(result) ? result : crossed(result, { node });
  },
);
