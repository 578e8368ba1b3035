import type { Editor } from '../../graph/edit.js';
import type { Node, Value } from '../../graph/ir.js';
import { Add, Conv, ConvTranspose, Gemm, MatMul, Pad, Pad2 } from '../../ops/index.js';
import { fromFloat64, int64Tensor, type Tensor } from '../../tensor/tensor.js';
import { isSkip, type Skip } from '../rule.js';
import { type Axis, bordersOf, padBegin, padEnd } from './axis.js';
import type { FloatType, Term } from './form.js';
import type { Plan } from './plan.js';
import { type MergedWeights, rounded } from './weights.js';

interface Weights {
  readonly term: Term;
  readonly weight: Tensor;
}

/** A plan with all of its numbers. */
export interface Prepared {
  readonly plan: Plan;
  readonly root: Node;
  readonly weights: readonly Weights[];
  readonly bias: Tensor | undefined;
}

/** Every number of a plan, in the model's own type; a reason when the type cannot hold one. `root` makes the value that the plan is for. */
export function prepare(plan: Plan, root: Node, merged: MergedWeights): Prepared | Skip {
  const { form, windows } = plan;
  const type = form.type ?? 'float32';
  const weights: Weights[] = [];
  for (const term of windows) {
    const weight = merged.weightOf(term, type, form);
    if (isSkip(weight)) return weight;
    weights.push({ term, weight });
  }
  const bias = form.bias ? rounded(type, [form.outputs], form.bias.values()) : undefined;
  return isSkip(bias) ? bias : { plan, root, weights, bias };
}

/** Writes a plan out in place of its root. */
export function write({ plan, root, weights, bias }: Prepared, edit: Editor): void {
  const { form, windows, sources } = plan;
  const addends: Value[] = sources.map((t) => t.source);
  const names: Rename[] = [];
  const last = addends.length === 0 ? weights.length - 1 : -1;
  weights.forEach(({ term, weight }, i) => {
    // The bias goes on the first window; MatMul has no place for one.
    const own = i === 0 && form.layout === 'first' ? bias : undefined;
    const alone = i === last && i === 0 && (form.layout === 'first' || !bias);
    const made = writeWindow(edit, root, { term, weight, bias: own, layout: form.layout, replace: alone });
    names.push(...made.names);
    if (made.value) addends.push(made.value);
  });
  if (form.layout === 'last' && bias) addends.push(edit.constant(root.graph, bias, biasName(weightName(windows[0]))));
  if (addends.length > 1) writeSum(edit, root, addends);
  for (const { value, wanted } of names) if (edit.isFree(value.graph, wanted)) edit.rename(value, wanted);
}

function writeSum(edit: Editor, root: Node, addends: readonly Value[]): void {
  let sum = addends[0];
  for (const [i, value] of addends.slice(1).entries()) {
    if (!sum) return;
    if (i === addends.length - 2) edit.replace(root, Add, { a: sum, b: value });
    else sum = edit.add(root.graph, Add, { a: sum, b: value }, {}, { before: root }).out.y;
  }
}

interface Rename {
  readonly value: Value;
  readonly wanted: string;
}

interface WindowToWrite {
  readonly term: Term;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly layout: 'first' | 'last';
  /** In the root's place; otherwise before it. */
  readonly replace: boolean;
}

/** One convolution or product. Its weight takes the name of the one it stems from, once that is gone. */
function writeWindow(
  edit: Editor,
  root: Node,
  { term, weight, bias, layout, replace }: WindowToWrite,
): { names: Rename[]; value: Value | undefined } {
  const wanted = weightName(term);
  const w = edit.constant(root.graph, weight, wanted);
  const b = bias && edit.constant(root.graph, bias, biasName(wanted));
  const names: Rename[] = [{ value: w, wanted }, ...(b ? [{ value: b, wanted: biasName(wanted) }] : [])];
  const name = term.convolution?.name;
  const put = { name, before: root };
  let made: Node;
  if (layout === 'last') {
    const inputs = { a: term.source, b: w };
    made = replace ? edit.replace(root, MatMul, inputs, {}, { name }) : edit.add(root.graph, MatMul, inputs, {}, put);
  } else if (term.axes.length === 0) {
    const c =
      b ??
      (needsBias(root)
        ? edit.constant(
            root.graph,
            fromFloat64(floatOf(weight), [term.outputs], new Float64Array(term.outputs)),
            biasName(wanted),
          )
        : undefined);
    const inputs = { a: term.source, b: w, c };
    made = replace
      ? edit.replace(root, Gemm, inputs, { transB: 1 }, { name })
      : edit.add(root.graph, Gemm, inputs, { transB: 1 }, put);
  } else if (term.transposed) {
    const inputs = { x: term.source, w, b };
    const attrsFrom = term.transposed.node;
    const attrs = term.groups === 1 && !attrsFrom.attrs.has('group') ? {} : { group: term.groups };
    made = replace
      ? edit.replace(root, ConvTranspose, inputs, attrs, { name, attrsFrom })
      : edit.add(root.graph, ConvTranspose, inputs, attrs, { ...put, attrsFrom });
  } else {
    const inputs = { x: padded(edit, root, term), w, b };
    made = replace
      ? edit.replace(root, Conv, inputs, convAttrs(term), { name })
      : edit.add(root.graph, Conv, inputs, convAttrs(term), put);
  }
  return { names, value: replace ? undefined : made.outputs[0] };
}

/** Below opset 11 Gemm's C is not optional. */
const needsBias = (root: Node): boolean => (root.opset ?? 0) < 11;

/** The source with the padding that no convolution has: with its own elements. Amounts: all begins, then all ends. */
function padded(edit: Editor, root: Node, { source, axes }: Term): Value {
  let value = source;
  for (const mode of bordersOf(axes)) {
    const amount = (of: (a: Axis) => number): number[] => [0, 0, ...axes.map((a) => (a.border === mode ? of(a) : 0))];
    const pads = [...amount(padBegin), ...amount(padEnd)];
    if ((root.opset ?? 0) < 11 && mode !== 'wrap')
      value = edit.add(root.graph, Pad2, { x: value }, { mode, pads }, { before: root }).out.y;
    else {
      const amounts = edit.constant(root.graph, int64Tensor([pads.length], pads), 'merged.pads');
      value = edit.add(root.graph, Pad, { x: value, pads: amounts }, { mode }, { before: root }).out.y;
    }
  }
  return value;
}

function convAttrs(term: Term) {
  const auto = term.axes.find((a) => a.auto)?.auto;
  const pads = [padBegin, padEnd].flatMap((of) => term.axes.map((a) => (a.border ? 0 : of(a))));
  return {
    ...(auto ? { auto_pad: auto } : {}),
    dilations: term.axes.map((a) => a.dilation),
    group: term.groups,
    kernel_shape: term.axes.map((a) => a.taps),
    ...(auto ? {} : { pads }),
    strides: term.axes.map((a) => a.stride),
  };
}

function weightName(term: Term | undefined): string {
  const node = term?.convolution;
  const held = node?.inputs[1]?.name;
  return held ?? 'merged.weight';
}

const biasName = (weight: string): string =>
  weight.endsWith('weight') ? weight.replace(/weight$/, 'bias') : `${weight}_bias`;

const floatOf = (t: Tensor): FloatType =>
  t.dtype === 'float64' || t.dtype === 'float16' || t.dtype === 'bfloat16' ? t.dtype : 'float32';
