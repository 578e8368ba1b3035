/** The public API: all of `cnnx/core`, and what needs files and onnxruntime. */
export * from './core.js';
export { ModelProcess, type ChildLimits } from './runtime/child.js';
export { openSource, FileSource } from './runtime/file-source.js';
export {
  createSession,
  type Optimization,
  type Port,
  type ProviderName,
  type Session,
  type SessionOptions,
} from './runtime/session.js';
export { checkWritable, writeFile, writePair } from './runtime/write-file.js';
export { openCheckpoint } from './runtime/checkpoint-file.js';
export { type DownloadOptions, pretrainedPath, type PretrainedFile } from './runtime/pretrained.js';
export { readJson } from './runtime/json-file.js';
export { openModel } from './runtime/model-file.js';
export { evaluator } from './runtime/evaluate.js';
export { readInputFolder, readTensorFile } from './runtime/tensor-files.js';
export * from './verify/index.js';
export { type Saved, type SaveOptions, saveModel } from './save/save-model.js';
