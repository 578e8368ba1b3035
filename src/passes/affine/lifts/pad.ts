import type { Node, Value } from '../../../graph/ir.js';
import { Pad, Pad2, type Padding, padding } from '../../../ops/index.js';
import { notApplicable, isSkip, type Skip, skip } from '../../rule.js';
import { type Axis, shiftAxis } from '../axis.js';
import { type Bias, crossed, type FloatType, type Form, UNIT_ROUNDOFF } from '../form.js';
import { composeForms } from '../compose.js';
import { type Lifting, lift } from '../lift.js';

/**
 * Roundings, in the model's own type, by which a padding constant that the exporter computed may be off the bias that it stands for. Both come of
 * bias - mean * scale / sqrt(variance + epsilon), each evaluated in its own order: where a BatchNormalization was folded before the export, only
 * what is left of the difference stands in the file. So a rounding is one of the largest of the channels' magnitudes.
 */
const BORDER_ROUNDINGS = 8;

function isBias(bias: Bias | undefined, border: Float64Array, type: FloatType | undefined): boolean {
  if (!bias) return border.every((v) => v === 0);
  const values = bias.values();
  const largest = bias.magnitudes().reduce((most, m) => Math.max(most, m), 0);
  const tolerance = BORDER_ROUNDINGS * UNIT_ROUNDOFF[type ?? 'float64'] * largest;
  return border.every((v, c) => Math.abs(v - (values[c] ?? 0)) <= tolerance);
}

/** `form` read through windows that only move: padded (with what the form gives on zeros, or with its own elements), cropped, or strided. */
export function moved(form: Form, axes: readonly Axis[]): Form | Skip {
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
  return moved(
    below,
    begin.map((b, i) => shiftAxis(b, end[i] ?? 0)),
  );
}

/** A Pad with elements of x: the same elements stand there above a 1x1 and above a bias. */
function mirrored(node: Node, x: Value, p: Padding, at: Lifting): Form | Skip {
  if ([...p.begin, ...p.end].some((n) => n < 0)) return skip('pad-crops');
  const border = p.mode === 'constant' ? undefined : p.mode;
  const axes = p.begin.slice(2).map((b, i) => shiftAxis(b, p.end[i + 2] ?? 0, { border }));
  const below = at.operand(x);
  if (isSkip(below)) return below;
  if (below.terms[0]?.axes.length !== axes.length) return skip('amount-missing');
  const form = moved(below, axes);
  return isSkip(form) ? form : crossed(form, { node });
}

export const liftPad = lift(
  [Pad, Pad2],
  'Conv(Pad(x, p), w) -> Conv(x, w) with pads + p, where the padding value is what the values below are for x = 0',
  (node, at) => {
    const x = node.inputs[0];
    if (at.layout !== 'first' || !x) return notApplicable('channels-last');
    const p = padding(node);
    if (!p) return skip('amounts-computed');
    if ([...p.begin.slice(0, 2), ...p.end.slice(0, 2)].some((n) => n !== 0)) return skip('pad-channels');
    if (p.mode !== 'constant') return mirrored(node, x, p, at);
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
