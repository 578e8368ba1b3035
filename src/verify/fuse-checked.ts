import { totalCosts } from '../analysis/index.js';
import type { Model } from '../graph/ir.js';
import { freezeInitializers } from '../passes/freeze.js';
import { fuse, type FuseOptions, type FuseReport } from '../passes/fuse.js';
import { ModelProcess } from '../runtime/child.js';
import { evaluator } from '../runtime/evaluate.js';
import { cloneOpened } from '../runtime/model-file.js';
import { type CompareOptions, compareModels } from './compare.js';
import type { VerifyReport } from './report.js';

export interface FuseCheckedOptions extends Pick<FuseOptions, 'skip' | 'only'> {
  /** Take initializers off the inputs first: they become constants. */
  readonly freeze?: boolean | undefined;
  /** How to compare with the original; false: not at all. */
  readonly verify?: CompareOptions | false | undefined;
}

/** What a model takes, at one image: see `costs`. */
export interface Totals {
  /** With the statistics of BatchNormalizations. */
  readonly parameters: number;
  readonly macs: number;
  readonly weightBytes: number;
}

export interface FuseChecked {
  readonly report: FuseReport;
  readonly before: Totals;
  readonly after: Totals;
  /** Absent when nothing was changed, or no comparison was asked for. */
  readonly check?: VerifyReport | undefined;
  /** Names of initializers that were taken off the inputs. */
  readonly frozen: readonly string[];
}

/** `fuse` in place with onnxruntime for the constants, then a comparison with what the model was. Constants and comparison run in one other process. */
export async function fuseChecked(model: Model, options: FuseCheckedOptions = {}): Promise<FuseChecked> {
  const { verify = {} } = options;
  const process = new ModelProcess(verify === false ? undefined : verify.limits);
  try {
    const frozen = options.freeze ? freezeInitializers(model) : [];
    const original = verify === false ? undefined : cloneOpened(model);
    const before = totals(model);
    const report = await fuse(model, { evaluate: evaluator(process), skip: options.skip, only: options.only });
    const done = { report, frozen, before, after: model.span ? before : totals(model) };
    if (verify === false || !original || model.span) return done;
    return { ...done, check: await compareModels(original, model, { ...verify, process }) };
  } finally {
    process.close();
  }
}

function totals(model: Model): Totals {
  const { parameters, buffers, macs, weightBytes } = totalCosts(model);
  return { parameters: parameters + buffers, macs, weightBytes };
}
