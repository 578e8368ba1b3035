import type { Value } from '../../../graph/ir.js';
import { constantOf, Gather, Slice, Slice1, sliceParams } from '../../../ops/index.js';
import { shapeOf } from '../../../ops/tensors.js';
import { asFloat64, isNumeric } from '../../../tensor/tensor.js';
import { isSkip, notApplicable, type Skip, skip } from '../../rule.js';
import { shiftAxis, UNIT } from '../axis.js';
import { composeForms } from '../compose.js';
import { crossed, type Form, selectOutputs } from '../form.js';
import { lift } from '../lift.js';
import { selected } from '../move/pieces.js';
import { moved } from './pad.js';

/** A range of an axis of a known or unknown length as what it leaves out at either end. */
function cropOf(start: number, end: number, length: number | undefined): readonly [number, number] | undefined {
  const first = start >= 0 ? start : length === undefined ? undefined : Math.max(0, length + start);
  if (first === undefined) return undefined;
  if (end < 0) return [first, -end];
  if (length !== undefined) return [first, Math.max(0, length - end)];
  return end >= 2 ** 31 - 1 ? [first, 0] : undefined;
}

/** Output channel i is channel index[i] of the form. Ranges keep their groups; any other choice is a 1x1 of zeros and ones. */
function chosen(form: Form, index: readonly number[]): Form | Skip {
  const first = index[0] ?? 0;
  if (index.every((c, i) => c === first + i)) return selectOutputs(form, first, index.length);
  const [inputs, outputs] = [form.outputs, index.length];
  const kernel = (): Float64Array => {
    const k = new Float64Array(inputs * outputs);
    index.forEach((c, o) => (k[o * inputs + c] = 1));
    return k;
  };
  const term = { inputs, outputs, groups: 1, axes: (form.terms[0]?.axes ?? []).map(() => UNIT), kernel };
  const result = composeForms({ term }, form);
  return isSkip(result) ? result : { ...result, macs: (form.macs * outputs) / inputs };
}

/** A Slice of spatial axes crops or strides; one of the channels selects, in either direction. */
export const liftSlice = lift(
  [Slice, Slice1],
  'Conv(Slice(x), w) -> Conv(x, w) with fewer pads or a stride; Slice(Conv(x, w)) on channels -> Conv(x, Slice(w))',
  (node, at) => {
    const x = node.inputs[0];
    if (at.layout !== 'first' || !x) return notApplicable('channels-last');
    at.met.parts = true;
    if (!at.choices.parts) return notApplicable('source-cut-off');
    const ranges = sliceParams(node);
    if (!ranges) return skip('range-computed');
    let form = at.operand(x);
    if (isSkip(form)) return form;
    const shape = shapeOf(x);
    const axes = (form.terms[0]?.axes ?? []).map(() => UNIT);
    for (const [i, axis] of ranges.axes.entries()) {
      const [start = 0, end = 0, step = 1] = [ranges.starts[i], ranges.ends[i], ranges.steps[i]];
      if (axis === 0) return skip('slices-batch');
      if (axis === 1) {
        const index = step === 0 ? [] : selected(start, end, step, form.outputs);
        if (index.length === 0) return skip('range-unknown');
        const part: Form | Skip = chosen(form, index);
        if (isSkip(part)) return part;
        form = part;
        continue;
      }
      const size = shape?.[axis];
      const length = typeof size === 'number' ? size : undefined;
      const crop = cropOf(start, end, length);
      if (step < 1) return skip('slice-reverses');
      if (!crop || (length !== undefined && crop[0] + crop[1] >= length)) return skip('range-unknown');
      axes[axis - 2] = shiftAxis(-crop[0], -crop[1], { step });
    }
    const result = axes.every((a) => a === UNIT) ? form : moved(form, axes);
    return isSkip(result) ? result : crossed(result, { node });
  },
);

/** Channels of a value by their indices. */
function indicesOf(indices: Value, length: number): readonly number[] | undefined {
  const t = constantOf(indices);
  if (!t || !isNumeric(t.dtype) || t.shape.length !== 1 || t.shape[0] === 0) return undefined;
  const index = Array.from(asFloat64(t), (i) => (i < 0 ? i + length : i));
  return index.every((i) => i >= 0 && i < length) ? index : undefined;
}

export const liftGather = lift(
  Gather,
  'Conv(Gather(x), w) -> Conv(x, w) with its input channels in that order; Gather(Conv(x, w)) -> Conv(x, Gather(w))',
  (gather, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const rank = shapeOf(gather.in.x)?.length;
    if (rank === undefined || rank < 2) return notApplicable('rank-unknown');
    if (gather.attr.axis !== 1 && gather.attr.axis + rank !== 1) return notApplicable('gathers-other-axis');
    at.met.parts = true;
    if (!at.choices.parts) return notApplicable('source-cut-off');
    const form = at.operand(gather.in.x);
    if (isSkip(form)) return form;
    const index = indicesOf(gather.in.indices, form.outputs);
    if (!index) return skip('indices-computed');
    const result = chosen(form, index);
    return isSkip(result) ? result : crossed(result, { node: gather });
  },
);
