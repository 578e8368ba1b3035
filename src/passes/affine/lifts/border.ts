import type { Node } from '../../../graph/ir.js';
import { constantOf, Pad, Pad2, padding, ScatterND } from '../../../ops/index.js';
import { elementCount } from '../../../tensor/dtype.js';
import { asFloat64, asInt64, type Tensor } from '../../../tensor/tensor.js';
import { staticShape } from '../../../graph/types.js';
import { usedOnce } from '../../match.js';
import { notApplicable, isSkip, type Skip, skip } from '../../rule.js';
import { crossed } from '../form.js';
import { lift } from '../lift.js';
import { padded } from './pad.js';

/** Two writes for each spatial axis are usual. */
const MAX_CHAIN = 64;

/** Borders of more elements than this are not followed one by one. */
const MAX_BORDER_ELEMENTS = 1 << 24;

/**
 * A Pad whose border is then written over by a chain of ScatterND with constants, as DiverseBranchBlock's exports do: where every border element of a channel
 * ends up with one number, it is a Pad with that number for each channel.
 */
export const liftScatterND = lift(
  ScatterND,
  'ScatterND over the border of Pad(x) -> Pad(x) with one constant for each channel',
  (last, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const chain: Node[] = [last];
    let value = last.in.x;
    while (chain.length < MAX_CHAIN) {
      const node = value.producer;
      if (!node?.is(ScatterND)) break;
      if (!usedOnce(value)) return skip('used-elsewhere');
      chain.unshift(node);
      value = node.in.x;
    }
    const pad = value.producer;
    if (!pad || !(pad.is(Pad) || pad.is(Pad2))) return notApplicable('no-border-of-pad');
    if (!usedOnce(value)) return skip('used-elsewhere');
    const amounts = padding(pad);
    const shape = staticShape(value.type);
    const x = pad.inputs[0];
    if (!amounts || amounts.mode !== 'constant' || !shape || !x || shape.length < 3) return skip('border-unknown');
    if ([...amounts.begin, ...amounts.end].some((n, i) => n < 0 || (i % shape.length < 2 && n !== 0)))
      return skip('pad-channels');
    if (elementCount(shape) > MAX_BORDER_ELEMENTS) return skip('border-large');
    const border = new Border(shape, amounts.begin, amounts.end, amounts.value);
    for (const node of chain) {
      const why = border.write(node);
      if (why) return why;
    }
    const constant = border.perChannel();
    if (isSkip(constant)) return constant;
    const form = padded(x, amounts.begin.slice(2), amounts.end.slice(2), () => constant, at);
    return isSkip(form) ? form : [pad, ...chain].reduce((f, node) => crossed(f, { node }), form);
  },
);

/** The elements of a padded tensor (N,C,D1..Dn) that lie in its padding, and what was written to them. */
class Border {
  readonly #data: Float64Array;

  constructor(
    readonly shape: readonly number[],
    readonly begin: readonly number[],
    readonly end: readonly number[],
    value: number,
  ) {
    this.#data = new Float64Array(elementCount(shape)).fill(value);
  }

  write(node: Node): Skip | undefined {
    if (!node.is(ScatterND)) return notApplicable('other-operator');
    if (node.attr.reduction !== 'none') return skip('border-added');
    const indices = constantOf(node.in.indices);
    const updates = constantOf(node.in.updates);
    if (!indices || !updates || indices.dtype !== 'int64') return skip('border-computed');
    return this.#scatter(indices, updates);
  }

  /** ONNX ScatterND: each row of `indices` names a slice of the leading axes. Only whole elements or slices in the padding may be named. */
  #scatter(indices: Tensor, updates: Tensor): Skip | undefined {
    const depth = indices.shape.at(-1) ?? 0;
    const size = elementCount(this.shape.slice(depth));
    const rows = asInt64(indices);
    const values = asFloat64(updates);
    if (depth === 0 || depth > this.shape.length || values.length !== (rows.length / depth) * size)
      return skip('border-updates');
    for (let row = 0; row * depth < rows.length; row++) {
      let at = 0;
      for (let axis = 0; axis < depth; axis++) {
        const length = this.shape[axis] ?? 1;
        const index = Number(rows[row * depth + axis]);
        if (index < -length || index >= length) return skip('border-index');
        at = at * length + (index < 0 ? index + length : index);
      }
      for (let i = 0; i < size; i++) {
        if (this.#inside(at * size + i)) return skip('border-inside');
        this.#data[at * size + i] = values[row * size + i] ?? 0;
      }
    }
    return undefined;
  }

  #inside(flat: number): boolean {
    let rest = flat;
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      const length = this.shape[axis] ?? 1;
      const index = rest % length;
      if (index < (this.begin[axis] ?? 0) || index >= length - (this.end[axis] ?? 0)) return false;
      rest = Math.floor(rest / length);
    }
    return true;
  }

  /** The one number of each channel's border, in every image of the batch. */
  perChannel(): Float64Array | Skip {
    const channels = this.shape[1] ?? 0;
    const plane = elementCount(this.shape.slice(2));
    const out = new Float64Array(channels).fill(Number.NaN);
    for (let flat = 0; flat < this.#data.length; flat++) {
      if (this.#inside(flat)) continue;
      const channel = Math.floor(flat / plane) % channels;
      const value = this.#data[flat] ?? 0;
      if (Number.isNaN(out[channel])) out[channel] = value;
      else if (out[channel] !== value) return skip('border-varies');
    }
    return out.some(Number.isNaN) ? skip('no-border') : out;
  }
}
