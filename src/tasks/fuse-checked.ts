import { totalCosts } from '../analysis/index.js';
import { cloneModel } from '../graph/clone.js';
import type { Model } from '../graph/ir.js';
import { freezeInitializers } from '../passes/freeze.js';
import { fuse, type FuseOptions, type FuseReport } from '../passes/fuse.js';
import { evaluator } from '../running/evaluate.js';
import { checkSizes } from '../running/plans.js';
import { portsOf } from '../running/required-inputs.js';
import type { Runner } from '../running/runner.js';
import { type CompareOptions, compareModels } from '../verify/compare.js';
import type { VerifyReport } from '../verify/report.js';

/** How a model is fused and compared with what it was. */
export interface FuseCheckedOptions extends Pick<FuseOptions, 'skip' | 'only' | 'prefer'> {
  /** Computes constants, and runs both models. */
  readonly runner: Runner;
  /** Take initializers off the inputs first: they become constants. */
  readonly freeze?: boolean | undefined;
  /** How to compare with the original; false: not at all. */
  readonly verify?: Omit<CompareOptions, 'runner'> | false | undefined;
}

/** What a model takes, at one image: see `costs`. */
export interface Totals {
  readonly parameters: number;
  readonly buffers: number;
  readonly macs: number;
  readonly weightBytes: number;
}

/** What `fuseChecked` did, and whether the outputs are the same. */
export interface FuseChecked {
  readonly report: FuseReport;
  readonly before: Totals;
  readonly after: Totals;
  /** Absent when nothing was changed, or no comparison was asked for. */
  readonly check?: VerifyReport | undefined;
  /** Names of initializers that were taken off the inputs. */
  readonly frozen: readonly string[];
  /** Initializers that are inputs still: whoever runs the model may override them, so they are no constants. */
  readonly overridable: number;
}

/** `fuse` in place, with constants computed by the runner, then a comparison with what the model was. */
export async function fuseChecked(model: Model, options: FuseCheckedOptions): Promise<FuseChecked> {
  const { verify = {}, runner, skip, only, prefer } = options;
  if (verify !== false) checkSizes(portsOf(model), verify);
  const frozen = options.freeze ? freezeInitializers(model) : [];
  const original = verify === false ? undefined : cloneModel(model);
  const before = totals(model);
  const report = await fuse(model, { evaluate: evaluator(runner), skip, only, prefer });
  const overridable = overridableInitializers(model);
  const done = { report, frozen, overridable, before, after: model.span ? before : totals(model) };
  if (verify === false || !original || model.span) return done;
  return { ...done, check: await compareModels(original, model, { ...verify, runner }) };
}

/** Below IR version 4 an initializer that is listed as an input is a constant all the same. */
function overridableInitializers(model: Model): number {
  return model.overridableInitializers ? model.graph.inputs.filter((v) => v.initializer).length : 0;
}

function totals(model: Model): Totals {
  const { parameters, buffers, macs, weightBytes } = totalCosts(model);
  return { parameters, buffers, macs, weightBytes };
}
