import type { Model } from '../graph/ir.js';
import { fuse, type FuseOptions, type FuseReport } from '../passes/fuse.js';
import { evaluator } from '../running/evaluate.js';
import { PATIENT, type Runner, type RunLimits } from '../running/runner.js';
import * as bench from '../tasks/bench.js';
import * as checked from '../tasks/fuse-checked.js';
import * as sized from '../tasks/set-dims-checked.js';
import * as verify from '../verify/compare.js';
import type { DimChanges } from '../passes/set-dims.js';
import type { KernelRun } from '../running/kernels.js';
import type { VerifyReport } from '../verify/report.js';
import { startRunner } from './machine/process-runner.js';

/*
 * Tasks with this host in the place of the runner: what `cnnx` offers in Node.
 */

interface OwnRunner {
  /** What runs the models; a process of its own, which ends with the call, if absent. */
  readonly runner?: Runner | undefined;
  /** Of that process. */
  readonly limits?: RunLimits | undefined;
}

/** How two models are compared. */
export type CompareOptions = Omit<verify.CompareOptions, 'runner'> & OwnRunner;
/** How a model is fused and compared with what it was. */
export type FuseCheckedOptions = Omit<checked.FuseCheckedOptions, 'runner'> & OwnRunner;
/** How another batch is proven. */
export type SetDimsCheckedOptions = Omit<sized.SetDimsCheckedOptions, 'runner'> & OwnRunner;
/** How models are timed. */
export type BenchOptions = Omit<bench.BenchOptions, 'startRunner'>;

/**
 * Whether `candidate` computes what `reference` computes, by running both in onnxruntime in another process. Throws `verify/interface` when
 * they cannot be compared at all; that something cannot be run here is no error but the verdict 'not verified'.
 */
export const compareModels = (
  reference: Model,
  candidate: Model,
  options: CompareOptions = {},
): Promise<VerifyReport> =>
  withRunner(options, limitsFor(options), (runner) =>
    verify.compareModels(reference, candidate, { ...options, runner }),
  );

/** `fuse` in place with onnxruntime for the constants, then a comparison with what the model was, in one other process. */
export const fuseChecked = (model: Model, options: FuseCheckedOptions = {}): Promise<checked.FuseChecked> =>
  withRunner(options, options.limits, (runner) => checked.fuseChecked(model, { ...options, runner }));

/**
 * Rewrites a model in place into a smaller one with the same outputs, up to the rounding of its element types. Constant regions are computed by
 * onnxruntime in another process, unless `evaluate` is given. Throws as `fuse` of `cnnx/core` does.
 */
export const fuseModel = (model: Model, options: FuseOptions = {}): Promise<FuseReport> =>
  withRunner({}, undefined, (runner) => fuse(model, { evaluate: evaluator(runner), ...options }));

/** `setDims` in place, then the proof that the samples of the new batch stay by themselves: see `setDimsChecked` of `cnnx/core`. */
export const setDimsChecked = (
  model: Model,
  changes: DimChanges,
  options: SetDimsCheckedOptions = {},
): Promise<sized.SetDimsChecked | undefined> =>
  withRunner(options, options.limits, (runner) => sized.setDimsChecked(model, changes, { ...options, runner }));

/** Times models side by side in onnxruntime: each alone for its memory and loading time, then all in turns in one process. */
export const benchModels = (
  entries: readonly bench.BenchEntry[],
  options: BenchOptions = {},
): Promise<bench.BenchReport> => bench.benchModels(entries, { ...options, startRunner });

/** What ran, kernel by kernel, over the runs and one before them. */
export const profileModel = (model: Model, options: BenchOptions = {}): Promise<readonly KernelRun[]> =>
  bench.profileModel(model, { ...options, startRunner });

async function withRunner<T>(
  { runner }: OwnRunner,
  limits: RunLimits | undefined,
  run: (runner: Runner) => Promise<T>,
): Promise<T> {
  if (runner) return run(runner);
  const own = startRunner(limits);
  try {
    return await run(own);
  } finally {
    own.close();
  }
}

/** A GPU may have to compile its kernels first, which takes its time, and is to compute in full float32. */
function limitsFor({ limits, provider }: CompareOptions): RunLimits | undefined {
  return provider === undefined || provider === 'cpu' ? limits : { ...PATIENT, ...limits, fullPrecision: true };
}
