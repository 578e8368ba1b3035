import type { Node, Value } from '../../../graph/ir.js';
import type { NodeOf } from '../../../graph/op-def.js';
import { Pad, Pad2, padding, ScatterND } from '../../../ops/index.js';
import { shapeOf } from '../../../ops/tensors.js';
import { elementCount } from '../../../tensor/dtype.js';
import { isSkip, notApplicable, type Skip, skip } from '../../rule.js';
import { crossed } from '../form.js';
import { lift } from '../lift.js';
import { OpenBatch } from './open-batch.js';
import { isZero, type Open } from './open-integers.js';
import { padded } from './pad.js';

/** Two writes for each spatial axis are usual. */
const MAX_CHAIN = 64;

/** Borders of more elements than this are not followed one by one. */
const MAX_BORDER_ELEMENTS = 1 << 24;

/**
 * A Pad whose border is then written over by a chain of ScatterND with constants, as DiverseBranchBlock's exports do: where every border element of a channel
 * ends up with one number, it is a Pad with that number for each channel. Where the batch is not known, what is written and where is computed from it.
 */
export const liftScatterND = lift(
  ScatterND,
  'ScatterND over the border of Pad(x) -> Pad(x) with one constant for each channel',
  (last, at) => {
    if (at.layout !== 'first') return notApplicable('channels-last');
    const chain: NodeOf<typeof ScatterND>[] = [last];
    let value = last.in.x;
    while (chain.length < MAX_CHAIN) {
      const node = value.producer;
      if (!node?.is(ScatterND)) break;
      chain.unshift(node);
      value = node.in.x;
    }
    const pad = value.producer;
    if (!pad || !(pad.is(Pad) || pad.is(Pad2))) return notApplicable('no-border-of-pad');
    const amounts = padding(pad);
    const [batch, ...rest] = shapeOf(value) ?? [];
    const sizes = rest.filter((d) => typeof d === 'number');
    const x = pad.inputs[0];
    if (
      !amounts ||
      amounts.mode !== 'constant' ||
      !x ||
      batch === undefined ||
      sizes.length < 2 ||
      sizes.length < rest.length
    )
      return skip('border-unknown');
    // One image stands for all of an open batch.
    const shape = [typeof batch === 'number' ? batch : 1, ...sizes];
    if ([...amounts.begin, ...amounts.end].some((n, i) => n < 0 || (i % shape.length < 2 && n !== 0)))
      return skip('pad-channels');
    if (elementCount(shape) > MAX_BORDER_ELEMENTS) return skip('border-large');
    const border = new Border(shape, amounts.begin, amounts.end, amounts.value);
    const computed = new OpenBatch(typeof batch === 'number' ? undefined : batch);
    for (const node of chain) {
      const why = border.write(node, computed);
      if (why) return why;
    }
    const between = [pad, ...computed.nodes, ...chain];
    if ([pad, ...chain.slice(0, -1)].some((node) => !onlyFor(node.outputs[0], new Set(between))))
      return skip('used-elsewhere');
    const constant = border.perChannel();
    if (isSkip(constant)) return constant;
    const form = padded(x, amounts.begin.slice(2), amounts.end.slice(2), () => constant, at);
    return isSkip(form) ? form : inOrder(last, between).reduce((f, node) => crossed(f, { node }), form);
  },
);

/** Whether all that reads a value is among some nodes. */
function onlyFor(value: Value | undefined, nodes: ReadonlySet<Node>): boolean {
  if (!value || value.outputCount > 0) return false;
  for (const user of value.uses.keys()) if (!nodes.has(user)) return false;
  return true;
}

/** Nodes that `last` depends on, each after those that it reads. */
function inOrder(last: Node, among: readonly Node[]): readonly Node[] {
  const waiting = new Set(among);
  const order: Node[] = [];
  const visit = (node: Node): void => {
    if (!waiting.delete(node)) return;
    for (const input of node.inputs) if (input?.producer) visit(input.producer);
    order.push(node);
  };
  visit(last);
  return order;
}

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

  write(node: NodeOf<typeof ScatterND>, computed: OpenBatch): Skip | undefined {
    if (node.attr.reduction !== 'none') return skip('border-added');
    const indices = computed.of(node.in.indices);
    const updates = computed.of(node.in.updates);
    // Rows that do not grow with an open batch would be of one image alone.
    const fits = indices && (indices.batch !== undefined) === computed.isOpen;
    const rows = fits && rowsOf(indices);
    if (!rows || !updates || updates.batch !== indices.batch || !isZero(updates.perSize) || !isZero(updates.perIndex))
      return skip('border-computed');
    return this.#scatter(rows, indices.constant.shape.at(-1) ?? 0, updates.constant.values);
  }

  /** ONNX ScatterND: each row of `indices` names a slice of the leading axes. Only whole elements or slices in the padding may be named. */
  #scatter(rows: Float64Array, depth: number, values: Float64Array): Skip | undefined {
    const size = elementCount(this.shape.slice(depth));
    if (depth === 0 || depth > this.shape.length || values.length !== (rows.length / depth) * size)
      return skip('border-updates');
    for (let row = 0; row * depth < rows.length; row++) {
      let at = 0;
      for (let axis = 0; axis < depth; axis++) {
        const length = this.shape[axis] ?? 1;
        const index = rows[row * depth + axis] ?? 0;
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

/**
 * Rows of indices, those of every image where the batch is not known. There the first index of each row is the image's own, and no other depends
 * on it: what is written to the first image is written to each.
 */
function rowsOf({ constant, perSize, perIndex, batch }: Open): Float64Array | undefined {
  if (!isZero(perSize)) return undefined;
  if (batch === undefined) return isZero(perIndex) ? constant.values : undefined;
  const depth = constant.shape.at(-1) ?? 0;
  if (batch === constant.shape.length - 1) return undefined;
  const own = constant.values.every((v, i) =>
    i % depth === 0 ? v === 0 && perIndex.values[i] === 1 : perIndex.values[i] === 0,
  );
  return own ? constant.values : undefined;
}
