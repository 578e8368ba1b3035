import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Editor } from '../../graph/edit.js';
import { inferShapes } from '../../graph/infer.js';
import type { Model, Node, Value } from '../../graph/ir.js';
import { nodeLabel } from '../../graph/order.js';
import { type Dim, isOpenSize, isTensorType, type Shape, typeText, withoutSizes } from '../../graph/types.js';
import { registry } from '../../ops/index.js';
import {
  broadcastWithBatch,
  concatWithBatch,
  expandWithBatch,
  gridWithBatch,
  recurrentWithBatch,
  resizeWithBatch,
} from './operands.js';
import { reshapeWithBatch } from './reshape.js';
import { type BatchInput, SizeEditor } from './size-editor.js';
import { BatchSizes, PROBE } from './sizes.js';

const REWRITERS: readonly ((node: Node, sizes: BatchSizes, edit: SizeEditor) => void)[] = [
  broadcastWithBatch,
  concatWithBatch,
  expandWithBatch,
  gridWithBatch,
  recurrentWithBatch,
  reshapeWithBatch,
  resizeWithBatch,
];

/**
 * Another batch for a model that was made for a fixed one: its inputs are declared so, constants inside that say the batch are rewritten where that is exact,
 * and the outputs' declarations follow. `batch` is a number, or a name that leaves it open. Throws `sizes/fixed` when the model cannot have it; that
 * samples do not mix is to be shown by running it.
 */
export function changeBatch(
  model: Model,
  edit: Editor,
  inputs: readonly BatchInput[],
  old: number,
  batch: number | string,
): void {
  const { graph } = model;
  const [first] = inputs;
  if (!first) return;
  const before = new Set(inferShapes(model, registry, { computedOnly: true }).map(problemText));
  const sizes = new BatchSizes(old, graph.values.values());
  declareInputs(edit, inputs, old * PROBE);
  forgetSizes(model, edit);
  const sizeEditor = new SizeEditor(edit, graph, sizes, first, batch);
  const problems = inferShapes(model, registry, {
    computedOnly: true,
    known: sizes.known,
    before: (node) => {
      for (const rewrite of REWRITERS) rewrite(node, sizes, sizeEditor);
    },
  });
  const found = problems.map(problemText).filter((p) => !before.has(p));
  if (found.length > 0) throw misfit(found, batch);
  sizeEditor.settle();
  declareOutputs(model, edit, sizes, batch);
  declareInputs(edit, inputs, batch);
  inferShapes(model, registry);
}

const problemText = ({ node, message }: { readonly node: Node; readonly message: string }): string =>
  `${nodeLabel(node)}: ${message}`;

const misfit = (problems: readonly string[], batch: number | string): CnnxError =>
  new CnnxError('sizes/fixed', `the model does not work at batch ${batch}:\n  ${problems.slice(0, 5).join('\n  ')}`, {
    hint: 'its batch is fixed inside, in a way that no constant alone says',
  });

function declareInputs(edit: Editor, inputs: readonly BatchInput[], batch: Dim): void {
  for (const { value, axis } of inputs) {
    if (!isTensorType(value.type) || !value.type.shape) continue;
    edit.declare(value.graph, value, { ...value.type, shape: value.type.shape.with(axis, batch) });
  }
}

/** What the file says of inner values and outputs held at the old size. */
export function forgetSizes({ graph }: Model, edit: Editor): void {
  edit.setValueInfos(graph, []);
  for (const output of graph.outputs) {
    const type = withoutSizes(output.type);
    if (type) edit.declare(graph, output, type);
  }
}

/** An output that was one batch long has to be one batch long still. */
function declareOutputs({ graph }: Model, edit: Editor, sizes: BatchSizes, batch: number | string): void {
  for (const output of graph.outputs) {
    const { type } = output;
    if (!isTensorType(type) || !type.shape) continue;
    const carried = sizes.carried(output);
    const was = sizes.was(output);
    const size = carried && typeof batch === 'number' ? batch * carried.per : carried?.per === 1 ? batch : undefined;
    const shape: Shape = type.shape.map((d, i) => (i === carried?.axis ? size : isOpenSize(d) ? undefined : d));
    edit.declare(graph, output, { ...type, shape });
    if (!carried && was && was.length > 1 && was[0] === sizes.batch && type.shape[0] === sizes.batch)
      throw new CnnxError(
        'sizes/fixed',
        `the output ${printable(output.name)} stays ${typeText(output.type)} at batch ${batch}: the batch ends in ${where(output, sizes)}`,
        { at: { value: output.name } },
      );
  }
}

/** The node above an output that takes the batch and does not give it on. */
function where(output: Value, sizes: BatchSizes): string {
  const pending: Value[] = [output];
  const seen = new Set(pending);
  for (let value = pending.shift(); value; value = pending.shift()) {
    const node = value.producer;
    if (!node) continue;
    if (node.inputs.some((v) => sizes.carried(v))) return nodeLabel(node);
    for (const v of node.inputs) {
      if (!v || seen.has(v)) continue;
      seen.add(v);
      pending.push(v);
    }
  }
  return 'a constant';
}
