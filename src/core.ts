/**
 * All of cnnx that needs no host: it runs in a browser as in Node. What runs models is handed in (`Runner`); `cnnx` adds Node's.
 */

// The IR: models, their parts, and the one way to edit them.
export type { MetadataEntry } from './graph/attr.js';
export { attrOf } from './graph/attr.js';
export { type CheckOptions, checkModel, ensureValid } from './graph/check.js';
export { cloneModel } from './graph/clone.js';
export { type AddOptions, type AttrsOf, Editor, everyGraph, everyNode, type InputsOf } from './graph/edit.js';
export { type InferenceProblem, inferShapes } from './graph/infer.js';
export {
  type Attr,
  constantTensor,
  type FunctionDef,
  type Graph,
  Model,
  type Node,
  type OpsetImport,
  type Value,
} from './graph/ir.js';
export type { Problem, ProblemCode, Severity } from './graph/problems.js';
export {
  type Dim,
  isTensorType,
  type Shape,
  staticShape,
  type TensorType,
  tensorType,
  typeText,
  type ValueType,
} from './graph/types.js';
export { type ParseOptions, parseGraph } from './text/parse.js';
export { printGraph, type PrintOptions } from './text/print.js';

// Operators: the declared ones, and how to declare one of your own.
export { type AnyOpDef, attr, defineOp, type NodeOf, type OpDef } from './graph/op-def.js';
export { OpRegistry } from './graph/op-registry.js';
/** Declared operators: what `node.is` and `Editor.add` take. */
export * as ops from './ops/index.js';
export { registry } from './ops/index.js';

// Tensors and images.
export { type DType, DTYPES, dtypeCode, elementCount } from './tensor/dtype.js';
export { cropCentre, type Image, type Interpolation, resize } from './tensor/image.js';
export { type ImageForm, imageTensor, type Layout, type PixelSteps } from './tensor/image-tensor.js';
export { imagenetSteps, type ImageSteps, prepareImage } from './tensor/preprocess.js';
export {
  asFloat32,
  asFloat64,
  asInt64,
  float32Tensor,
  fromFloat64,
  int64Tensor,
  lazyTensor,
  stringTensor,
  type Tensor,
  tensor,
} from './tensor/tensor.js';

// Files, as bytes: models, checkpoints, arrays.
export { type ByteSource, type Chunk, concat, memorySource } from './base/bytes.js';
export { CnnxError, type ErrorCode, type ErrorDetails, type Where } from './base/errors.js';
export { adjustLimits, LIMITS, type Limits } from './base/limits.js';
export { exportOnnx, type ExportedOnnx, type ExportOnnxOptions } from './export/onnx.js';
export { readCheckpoint } from './formats/checkpoint.js';
export { readNpy, writeNpy } from './formats/npy.js';
export {
  checkWeights,
  type ExternalData,
  type ReadOptions,
  readOnnx,
  type SideFile,
} from './formats/onnx/index.js';
export { modelStateDict } from './formats/onnx/state-dict.js';
export { readSafetensors, writeSafetensors } from './formats/safetensors.js';
export type { StateDict } from './formats/state-dict.js';

// Architectures, and weights for them.
export {
  buildArchitecture,
  type BuildOptions,
  type Built,
  type Card,
  cards,
  findVariant,
  type Init,
  parseOwnCard,
  starterCard,
  type Variant,
  variants,
} from './builders/index.js';
export {
  type BindOptions,
  type BindReport,
  bindWeights,
  deployedStateDict,
  type Mismatch,
  replaceInitializers,
  type ReplaceReport,
} from './weights/index.js';

// What a model costs.
export {
  type CostOptions,
  costs,
  type CostTotals,
  type ModelCosts,
  type NodeCost,
  totalCosts,
} from './analysis/index.js';
export { countPatterns, findPatterns, type Pattern, type PatternKind } from './analysis/index.js';

// Rewriting: the whole of it, its parts, and rules of your own.
export type { Evaluate } from './passes/evaluate.js';
export { freezeInitializers } from './passes/freeze.js';
export type { Prefer } from './passes/affine/cost.js';
export { fuse, type FuseOptions, type FuseReport, listPasses, operatorCounts } from './passes/fuse.js';
export { fuseReportText } from './passes/fuse-report.js';
export { REASONS, type Reason } from './passes/reasons.js';
export { type Rule, rule, sentenceOf, type Skip, skip } from './passes/rule.js';
export { runRules, type RunReport } from './passes/runner.js';
export { type ImagesIn, imagesIn, type ImagesInReport, type ImageSource } from './passes/images-in.js';
export { convertOpset, type OpsetConversion } from './passes/opset/convert.js';
export { type DimChanges, setDims } from './passes/set-dims.js';
export { type Cut, cutModel, exposeValues } from './passes/surgery/cut.js';
export { inlineFunctions } from './passes/surgery/inline-functions.js';
export { type Joined, joinModels } from './passes/surgery/join.js';
export { type Renaming, type Renamings, renameParts } from './passes/surgery/rename.js';
export { type Stripped, stripModel } from './passes/surgery/strip.js';
export { simplify, type SimplifyOptions, type SimplifyReport } from './passes/simplify.js';

// Running and comparing, on whatever runs models.
export { type BoundaryCasts, castFeeds, withBoundaryCasts } from './running/boundary-casts.js';
export { type ClassScore, classScores } from './running/class-scores.js';
export { evaluator } from './running/evaluate.js';
export { type Files, imageBatches, type PreparedFile } from './running/image-batches.js';
export {
  type ChosenSteps,
  type ImageInput,
  imageInput,
  type ImageInputChoice,
  stepsFor,
} from './running/image-inputs.js';
export type { KernelRun } from './running/kernels.js';
export type { Sizes } from './running/random-inputs.js';
export { portsOf, requiredInputs } from './running/required-inputs.js';
export type { LoadOptions, Runner, RunLimits, StartRunner } from './running/runner.js';
export type { Feeds, Optimization, Port, ProviderName, Session, SessionOptions } from './running/session.js';
export {
  type BenchEntry,
  benchModels,
  type BenchOptions,
  type BenchReport,
  type ChosenSize,
  type BenchResult,
  profileModel,
  type Ratio,
} from './tasks/bench.js';
export { type FuseChecked, fuseChecked, type FuseCheckedOptions, type Totals } from './tasks/fuse-checked.js';
export { type ImagesInProof, type NamedImage, proveImagesIn } from './tasks/prove-images-in.js';
export {
  compareModels,
  type CompareOptions,
  type FirstDifference,
  type OutputReport,
  type VerifyReport,
  verifyReportText,
} from './verify/index.js';
export { setDimsChecked, type SetDimsChecked, type SetDimsCheckedOptions } from './tasks/set-dims-checked.js';
