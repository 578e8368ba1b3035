import type { Editor } from '../../graph/edit.js';
import type { Model, Node, Value } from '../../graph/ir.js';
import { Conv, ConvTranspose, DequantizeLinear, Gemm, Max, Min, QuantizeLinear } from '../../ops/index.js';
import { float32Tensor } from '../../tensor/tensor.js';
import { activationBounds, onlyUser } from './units.js';

/** The least float32: nothing is below it, so Max with it changes nothing. */
const LEAST = -3.4028234663852886e38;

/**
 * onnxruntime quantises the weights of a float layer between DequantizeLinear and QuantizeLinear itself, per tensor, when it loads a file (its
 * WeightBiasQuantization). An operator that it does not look through keeps the layer float: Max for ReLU and for nothing, Max and Min for a clip.
 */
export function shieldFloatLayers(model: Model, edit: Editor): void {
  for (const node of model.graph.nodes()) {
    if (!node.is(Conv) && !node.is(ConvTranspose) && !node.is(Gemm)) continue;
    if (!node.inputs[0]?.producer?.is(DequantizeLinear) || node.inputs[1]?.producer?.is(DequantizeLinear)) continue;
    const [output] = node.outputs;
    if (output) shield(model, edit, output);
  }
}

function shield(model: Model, edit: Editor, output: Value): void {
  const user = onlyUser(output);
  const bounds = user && activationBounds(user);
  const [activated] = user?.outputs ?? [];
  const [last, before]: [Value, Node | undefined] = bounds && activated ? [activated, user] : [output, undefined];
  if (![...last.uses.keys()].some((n) => n.is(QuantizeLinear))) return;
  const scalar = (value: number): Value => edit.constant(model.graph, float32Tensor([], [value]), 'bound');
  if (before && bounds) {
    if (Number.isFinite(bounds.high)) {
      const raised = edit.add(model.graph, Max, { xs: [output, scalar(0)] }, {}, { before });
      edit.replace(before, Min, { xs: [raised.out.y, scalar(bounds.high)] });
    } else edit.replace(before, Max, { xs: [output, scalar(0)] });
    return;
  }
  const users = [...output.uses.keys()];
  const next = output.producer?.next;
  const same = edit.add(model.graph, Max, { xs: [output, scalar(LEAST)] }, {}, { before: next });
  for (const reader of users)
    if (reader.is(QuantizeLinear))
      edit.setInputList(
        reader,
        reader.inputs.map((v) => (v === output ? same.out.y : v)),
      );
}
