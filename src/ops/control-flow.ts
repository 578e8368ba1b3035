import type { Graph, Value } from '../graph/ir.js';
import { attr, defineOp } from '../graph/op-def.js';
import { type Dim, isTensorType, tensorType, type ValueType } from '../graph/types.js';
import { axisOf } from './tensors.js';
import { ALL, BOOL, CLASSIC_BEFORE_BFLOAT, INT64 } from './types.js';

/** What two types have in common: the type of a value that either branch may give. */
export function commonType(a: ValueType | undefined, b: ValueType | undefined): ValueType | undefined {
  if (!a || !b || a.kind !== b.kind) return undefined;
  if (!isTensorType(a) || !isTensorType(b)) return a;
  if (a.dtype !== b.dtype) return undefined;
  const [s, t] = [a.shape, b.shape];
  if (!s || !t || s.length !== t.length) return tensorType(a.dtype);
  return tensorType(
    a.dtype,
    s.map((d, i): Dim => (d === t[i] ? d : undefined)),
  );
}

const outputTypes = (graph: Graph): readonly (ValueType | undefined)[] => graph.outputs.map((v) => v.type);

export const If = defineOp({
  name: 'If',
  since: [1, 11, 13, 16, 19, 21, 23, 24, 25],
  doc: 'Runs one of two graphs. condition: one element. ys: the outputs of the branch that ran.',
  inputs: { condition: 'B' },
  outputs: { ys: 'V*' },
  types: { B: BOOL, V: ALL },
  mixed: true,
  attrs: { else_branch: attr.requiredGraph(), then_branch: attr.requiredGraph() },
  infer({ in: { condition }, attr: { then_branch, else_branch }, ints }) {
    const known = ints(condition)?.[0];
    if (typeof known === 'number') return { ys: outputTypes(known === 0 ? else_branch : then_branch) };
    const others = outputTypes(else_branch);
    return { ys: outputTypes(then_branch).map((type, i) => commonType(type, others[i])) };
  },
});

/** The element type alone: the states of a loop may change their shapes between iterations. */
const withoutShape = (value: Value | undefined): ValueType | undefined =>
  isTensorType(value?.type) ? tensorType(value.type.dtype) : value?.type;

/** A type with one more axis, at `axis` of the result. */
function stacked(type: ValueType | undefined, axis: number, size: Dim): ValueType | undefined {
  if (!isTensorType(type)) return undefined;
  const at = type.shape && axisOf(axis, type.shape.length, 1);
  return tensorType(type.dtype, at === undefined ? undefined : type.shape?.toSpliced(at, 0, size));
}

/** A type without one of its axes. */
function entryOf(type: ValueType | undefined, axis: number): ValueType | undefined {
  if (!isTensorType(type)) return undefined;
  return tensorType(type.dtype, type.shape?.toSpliced(axisOf(axis, type.shape.length), 1));
}

const sizeOf = (type: ValueType | undefined, axis: number): Dim =>
  isTensorType(type) ? type.shape?.at(axis) : undefined;

export const Loop = defineOp({
  name: 'Loop',
  since: [1, 11, 13, 16, 19, 21, 23, 24, 25],
  doc: 'Runs a graph up to `trips` times while its condition holds. states: values that each iteration passes to the next. ys: the final states, then the scan outputs, stacked over the iterations.',
  inputs: { trips: 'I?', condition: 'B?', states: 'V*' },
  outputs: { ys: 'V*' },
  types: { I: INT64, B: BOOL, V: ALL },
  mixed: true,
  attrs: { body: attr.requiredGraph() },
  enter: ({ in: { states }, attr: { body } }) => [
    { graph: body, inputs: [tensorType('int64', []), tensorType('bool', []), ...states.map(withoutShape)] },
  ],
  infer: ({ in: { states }, attr: { body } }) => ({
    ys: outputTypes(body)
      .slice(1)
      .map((type, i) => {
        if (i >= states.length) return stacked(type, 0, undefined);
        return commonType(states[i]?.type, type) ?? withoutShape(states[i]);
      }),
  }),
});

export const Scan = defineOp({
  name: 'Scan',
  since: [9, 11, 16, 19, 21, 23, 24, 25],
  doc: 'Runs a graph for each entry of the scanned axes. xs: states, then scanned inputs. ys: the final states, then the scan outputs, stacked over the iterations.',
  inputs: { xs: 'V*' },
  outputs: { ys: 'V*' },
  types: { V: ALL },
  mixed: true,
  attrs: {
    body: attr.requiredGraph(),
    num_scan_inputs: attr.requiredInt(),
    scan_input_axes: attr.ints(),
    scan_input_directions: attr.ints(),
    scan_output_axes: attr.ints(),
    scan_output_directions: attr.ints(),
  },
  enter({ in: { xs }, attr }) {
    const states = xs.length - attr.num_scan_inputs;
    const inputs = xs.map((x, i) => (i < states ? x.type : entryOf(x.type, attr.scan_input_axes?.[i - states] ?? 0)));
    return [{ graph: attr.body, inputs }];
  },
  infer({ in: { xs }, attr }) {
    const states = xs.length - attr.num_scan_inputs;
    const length = sizeOf(xs[states]?.type, attr.scan_input_axes?.[0] ?? 0);
    const ys = outputTypes(attr.body).map((type, i) =>
      i < states ? (xs[i]?.type ?? type) : stacked(type, attr.scan_output_axes?.[i - states] ?? 0, length),
    );
    return { ys };
  },
});

export const Scan8 = defineOp({
  name: 'Scan',
  since: [8],
  until: 9,
  doc: 'Scan over axis 1 for each entry of a batch on axis 0. xs: states, then scanned inputs. ys: the final states, then the scan outputs, stacked over the iterations.',
  inputs: { sequence_lens: 'I?', xs: 'V*' },
  outputs: { ys: 'V*' },
  types: { I: INT64, V: CLASSIC_BEFORE_BFLOAT },
  attrs: { body: attr.requiredGraph(), directions: attr.ints(), num_scan_inputs: attr.requiredInt() },
  enter({ in: { xs }, attr }) {
    const states = xs.length - attr.num_scan_inputs;
    const inputs = xs.map((x, i) => entryOf(i < states ? x.type : entryOf(x.type, 1), 0));
    return [{ graph: attr.body, inputs }];
  },
  infer({ in: { xs }, attr }) {
    const states = xs.length - attr.num_scan_inputs;
    const [batch, length] = [sizeOf(xs[0]?.type, 0), sizeOf(xs[states]?.type, 1)];
    const ys = outputTypes(attr.body).map((type, i) => stacked(i < states ? type : stacked(type, 0, length), 0, batch));
    return { ys };
  },
});
