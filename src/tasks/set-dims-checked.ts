import { CnnxError } from '../base/errors.js';
import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model } from '../graph/ir.js';
import { type Dim, isTensorType } from '../graph/types.js';
import type { BatchInput } from '../passes/batch/size-editor.js';
import { batchInputs, batchOf, type DimChanges, setDims } from '../passes/set-dims.js';
import { simplify } from '../passes/simplify.js';
import { evaluator } from '../running/evaluate.js';
import type { Sizes } from '../running/random-inputs.js';
import type { Runner } from '../running/runner.js';
import { type BatchReport, proveBatch } from '../verify/batch.js';

/** What runs the model, and on what. */
export interface SetDimsCheckedOptions {
  readonly runner: Runner;
  readonly sizes?: Sizes | undefined;
  readonly seed?: number | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** The proof of another batch. */
export interface SetDimsChecked extends BatchReport {
  /** Constants of the model had to be computed first, to see which of them say the batch. */
  readonly folded: boolean;
}

/** An open batch is shown to work with these: what mixes samples shows with two, and what takes pairs for samples with three. */
const OPEN_BATCHES = [2, 3];

/** What only computes constants: sizes that exporters leave as arithmetic. */
const FOLDING = ['fold-constants', 'fold-shapes'];

/** A name that no file has, for a batch that nothing may be computed from. */
const ANY_BATCH = '\u0001';

/**
 * `setDims` in place, then the proof of the new batch: unlike samples together, in two orders, against each alone. Where that fails it is tried again with the
 * model's constants computed. Throws what `setDims` does, `sizes/mixed` with the first node where samples mix, and `sizes/unproven` where the original
 * cannot be run; the model is of no use then.
 */
export async function setDimsChecked(
  model: Model,
  changes: DimChanges,
  options: SetDimsCheckedOptions,
): Promise<SetDimsChecked | undefined> {
  const { batch } = changes;
  if (batch === undefined) {
    setDims(model, changes);
    return undefined;
  }
  if (changes.dims) setDims(model, { dims: changes.dims });
  const original = cloneModel(model);
  try {
    const trial = cloneModel(model);
    setDims(trial, { batch });
    const report = await prove(original, trial, batch, options);
    setDims(model, { batch });
    return { ...report, folded: false };
  } catch (error) {
    if (!(error instanceof CnnxError) || (error.code !== 'sizes/fixed' && error.code !== 'sizes/mixed')) throw error;
    if (!(await foldForAnyBatch(model, options.runner))) throw error;
  }
  setDims(model, { batch });
  return { ...(await prove(original, model, batch, options)), folded: true };
}

/** Computes what does not depend on the batch; false when there was nothing. */
async function foldForAnyBatch(model: Model, runner: Runner): Promise<boolean> {
  const inputs = batchInputs(model);
  const old = batchOf(inputs[0]);
  declareBatch(model, inputs, ANY_BATCH);
  const { applied } = await simplify(model, { only: FOLDING, evaluate: evaluator(runner) });
  declareBatch(model, inputs, old);
  return applied.size > 0;
}

function declareBatch(model: Model, inputs: readonly BatchInput[], batch: Dim): void {
  const edit = new Editor(model);
  for (const { value, axis } of inputs) {
    if (isTensorType(value.type) && value.type.shape)
      edit.declare(model.graph, value, { ...value.type, shape: value.type.shape.with(axis, batch) });
  }
}

async function prove(
  model: Model,
  changed: Model,
  batch: number | string,
  options: SetDimsCheckedOptions,
): Promise<BatchReport> {
  const original = cloneModel(model);
  const inputs = batchInputs(original);
  const declared = batchOf(inputs[0]);
  const old = typeof declared === 'number' ? declared : 1;
  declareBatch(original, inputs, old);
  const report = await proveBatch(original, changed, {
    ...options,
    axes: new Map(inputs.map(({ value, axis }) => [value.name, axis])),
    old,
    batches: typeof batch === 'number' ? [batch] : OPEN_BATCHES,
  });
  if (report.verdict === 'proven') return report;
  const { first, why = '' } = report;
  if (report.verdict === 'refuted')
    throw new CnnxError(
      'sizes/mixed',
      `${first ? `samples mix in ${first.node}` : 'samples do not stay by themselves'}: ${why}`,
      { at: { node: first?.node, value: first?.value } },
    );
  throw new CnnxError('sizes/unproven', `that samples stay by themselves could not be shown: ${why}`, {
    hint: '--no-verify writes it all the same',
  });
}
