import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model, Node, Value } from '../graph/ir.js';
import type { Feeds } from '../running/session.js';
import { elementCount } from '../tensor/dtype.js';
import { asFloat64, fromFloat64, isFloat, type Tensor } from '../tensor/tensor.js';

/**
 * A last Sigmoid or Softmax hides what is compared: at its ends many inputs give one output, and outputs of 1e-7 have
 * no digits left to compare. Where both models end in the same, its input says more, and equal inputs make equal
 * outputs.
 */
export interface Below {
  readonly op: 'Sigmoid' | 'Softmax';
  /** The value before it, in each model. */
  readonly reference: string;
  readonly candidate: string;
  /** Of a Softmax: a number added all along it changes nothing. */
  readonly axis: number;
}

/** Both models, copies where values before a last Sigmoid or Softmax are outputs of them too, and which those are. */
export interface WithBelow {
  readonly reference: Model;
  readonly candidate: Model;
  /** By output. */
  readonly below: ReadonlyMap<string, Below>;
}

export function withBelow(reference: Model, candidate: Model): WithBelow {
  const below = new Map<string, Below>();
  for (const output of reference.graph.outputs) {
    const found = pair(
      output,
      candidate.graph.outputs.find((v) => v.name === output.name),
    );
    if (found) below.set(output.name, found);
  }
  if (below.size === 0) return { reference, candidate, below };
  return {
    reference: listing(
      reference,
      [...below.values()].map((b) => b.reference),
    ),
    candidate: listing(
      candidate,
      [...below.values()].map((b) => b.candidate),
    ),
    below,
  };
}

function pair(a: Value, b: Value | undefined): Below | undefined {
  const [p, q] = [a.producer, b?.producer];
  const op = p?.opType;
  if (!p || !q || p.domain !== '' || q.domain !== '' || (op !== 'Sigmoid' && op !== 'Softmax')) return undefined;
  if (q.opType !== op || p.opset !== q.opset || axisOf(p) !== axisOf(q)) return undefined;
  const [x, y] = [p.inputs[0], q.inputs[0]];
  return x?.producer && y?.producer ? { op, reference: x.name, candidate: y.name, axis: axisOf(p) } : undefined;
}

function axisOf(node: Node): number {
  const axis = node.attrs.get('axis');
  return axis?.kind === 'int' ? Number(axis.value) : (node.opset ?? 0) < 13 ? 1 : -1;
}

function listing(model: Model, names: readonly string[]): Model {
  const copy = cloneModel(model);
  const edit = new Editor(copy);
  for (const name of names) {
    const value = copy.graph.values.get(name);
    if (value && !copy.graph.outputs.includes(value)) edit.addOutput(copy.graph, value);
  }
  return copy;
}

/** The outputs of one run, with what stands below in the place of each that hides it. `side` says whose. */
export function takeBelow(
  outputs: Feeds,
  below: ReadonlyMap<string, Below>,
  side: 'reference' | 'candidate',
  names: ReadonlySet<string>,
): Feeds {
  const out = new Map<string, Tensor>();
  for (const [name, t] of outputs) {
    if (!names.has(name)) continue;
    const b = below.get(name);
    const inner = b && outputs.get(b[side]);
    out.set(name, inner && isFloat(inner.dtype) ? (b.op === 'Softmax' ? centred(inner, b.axis) : inner) : t);
  }
  return out;
}

/**
 * Without its mean along the axis that a Softmax goes over (before operator set 13: all axes from there on are one).
 */
function centred(t: Tensor, axis: number): Tensor {
  if (!isFloat(t.dtype)) return t;
  const at = axis < 0 ? axis + t.shape.length : axis;
  const [size, inner] = [t.shape[at] ?? 1, elementCount(t.shape.slice(at + 1))];
  const values = asFloat64(t);
  for (let o = 0; o < values.length; o += size * inner) {
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += values[o + k * inner + i] ?? 0;
      for (let k = 0; k < size; k++) values[o + k * inner + i] = (values[o + k * inner + i] ?? 0) - sum / size;
    }
  }
  return fromFloat64(t.dtype, t.shape, values);
}
