/** All of cnnx that also runs in a browser: everything but files and onnxruntime. */
export * from './analysis/index.js';
export * from './base/bytes.js';
export * from './base/errors.js';
export { adjustLimits, LIMITS, type Limits } from './base/limits.js';
export { grouped, nearest, printable, table } from './base/text.js';
export * from './builders/index.js';
export { exportOnnx, type ExportedOnnx, type ExportOnnxOptions, type SideFile } from './export/onnx.js';
export { readCheckpoint } from './formats/checkpoint.js';
export { readNpy, writeNpy } from './formats/npy.js';
export * from './formats/onnx/index.js';
export { modelStateDict } from './formats/onnx/state-dict.js';
export { readSafetensors, writeSafetensors } from './formats/safetensors.js';
export { readSafetensorsIndex } from './formats/safetensors-index.js';
export {
  type CheckpointFormat,
  checkData,
  sniffCheckpoint,
  type StateDict,
  unwrapped,
  wrapperPrefix,
} from './formats/state-dict.js';
export * from './graph/attr.js';
export { checkModel, ensureValid } from './graph/check.js';
export { cloneModel } from './graph/clone.js';
export * from './graph/edit.js';
export * from './graph/ir.js';
export * from './graph/types.js';
export { castFeeds, type BoundaryCasts, withBoundaryCasts } from './running/boundary-casts.js';
export { type ClassScore, classScores } from './running/class-scores.js';
export { evaluator } from './running/evaluate.js';
export { type ChosenSteps, type ImageInput, imageInput, stepsFor } from './running/image-inputs.js';
export { type KernelRun, providersText } from './running/kernels.js';
export type { Sizes } from './running/random-inputs.js';
export { requiredInputs } from './running/required-inputs.js';
export { type LoadOptions, PATIENT, type Runner, type RunLimits, type StartRunner } from './running/runner.js';
export {
  type Feeds,
  type Optimization,
  type Port,
  portText,
  type ProviderName,
  type Session,
  type SessionOptions,
} from './running/session.js';
export {
  type BenchEntry,
  benchModels,
  type BenchOptions,
  type BenchReport,
  type BenchResult,
  profileModel,
  type Ratio,
} from './tasks/bench.js';
export { fuseChecked, type FuseChecked, type FuseCheckedOptions, type Totals } from './tasks/fuse-checked.js';
export * from './verify/index.js';
/** Declared operators: what `node.is` and `Editor.add` take. */
export * as ops from './ops/index.js';
export { registry } from './ops/index.js';
export type { Evaluate } from './passes/evaluate.js';
export { freezeInitializers } from './passes/freeze.js';
export { fuse, type FuseOptions, type FuseReport, listPasses, operatorCounts } from './passes/fuse.js';
export { fuseReportText } from './passes/fuse-report.js';
export { REASONS, type Reason } from './passes/reasons.js';
export { sentenceOf } from './passes/rule.js';
export { type DimChanges, setDims } from './passes/set-dims.js';
export * from './tensor/dtype.js';
export * from './tensor/image.js';
export * from './tensor/preprocess.js';
export * from './tensor/tensor.js';
export { type ParseOptions, parseGraph } from './text/parse.js';
export { printGraph, type PrintOptions } from './text/print.js';
export * from './weights/index.js';
