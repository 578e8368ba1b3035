/** All of cnnx that also runs in a browser: everything but files and onnxruntime. */
export * from './base/bytes.js';
export * from './base/errors.js';
export { printable, table } from './base/text.js';
export * from './builders/index.js';
export * from './graph/attr.js';
export * from './graph/edit.js';
export * from './graph/ir.js';
export * from './graph/types.js';
export * from './tensor/dtype.js';
export * from './tensor/tensor.js';
export { cloneModel } from './graph/clone.js';
export { freezeInitializers } from './passes/freeze.js';
export { fuseReportText } from './passes/fuse-report.js';
export { exportOnnx, type ExportedOnnx, type ExportOnnxOptions, type SideFile } from './export/onnx.js';
export { checkModel, ensureValid } from './graph/check.js';
export { registry } from './ops/index.js';
export { fuse, type FuseOptions, type FuseReport, listPasses, operatorCounts } from './passes/fuse.js';
export type { Evaluate } from './passes/evaluate.js';
export * from './formats/onnx/index.js';
export { readCheckpoint } from './formats/checkpoint.js';
export { modelStateDict } from './formats/onnx/state-dict.js';
export { readSafetensors, writeSafetensors } from './formats/safetensors.js';
export { readSafetensorsIndex } from './formats/safetensors-index.js';
export {
  type CheckpointFormat,
  sniffCheckpoint,
  type StateDict,
  unwrapped,
  wrapperPrefix,
} from './formats/state-dict.js';
export * from './weights/index.js';
export { readNpy, writeNpy } from './formats/npy.js';
