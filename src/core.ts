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
/** Declared operators: what `node.is` and `Editor.add` take. */
export * as ops from './ops/index.js';
export { registry } from './ops/index.js';
export type { Evaluate } from './passes/evaluate.js';
export { freezeInitializers } from './passes/freeze.js';
export { fuse, type FuseOptions, type FuseReport, listPasses, operatorCounts } from './passes/fuse.js';
export { fuseReportText } from './passes/fuse-report.js';
export { type DimChanges, setDims } from './passes/set-dims.js';
export * from './tensor/dtype.js';
export * from './tensor/image.js';
export * from './tensor/preprocess.js';
export * from './tensor/tensor.js';
export { type ParseOptions, parseGraph } from './text/parse.js';
export { printGraph, type PrintOptions } from './text/print.js';
export * from './weights/index.js';
