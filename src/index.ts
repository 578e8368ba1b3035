/** The public API: all of `cnnx/core`, and what needs files and onnxruntime. */
export * from './core.js';
export {
  type BenchEntry,
  type BenchOptions,
  type BenchReport,
  type BenchResult,
  benchModels,
  profileModel,
  type Ratio,
} from './runtime/bench.js';
export { carriedFeeds, type CarriedModel, carriedModel } from './runtime/carried-model.js';
export { openCheckpoint } from './runtime/checkpoint-file.js';
export { type ChildLimits, ModelProcess, PATIENT } from './runtime/child.js';
export {
  type ChosenSteps,
  type ClassScore,
  classScores,
  type ImageInput,
  imageInput,
  stepsFor,
} from './runtime/classify.js';
export { evaluator } from './runtime/evaluate.js';
export { FileSource, openSource } from './runtime/file-source.js';
export { readImage } from './runtime/image-file.js';
export { readJson } from './runtime/json-file.js';
export { imagenetLabels, readLabels } from './runtime/labels.js';
export { inspectMachine, type Library, type Machine, missingForCuda } from './runtime/machine.js';
export { openModel, type OpenOptions } from './runtime/model-file.js';
export { type DownloadOptions, type PretrainedFile, pretrainedPath } from './runtime/pretrained.js';
export { type KernelRun, Profile, providersText } from './runtime/profile.js';
export {
  type ChosenProvider,
  chooseProvider,
  type ProviderProbe,
  PROVIDERS,
  probeProvider,
} from './runtime/providers.js';
export type { Feeds, Sizes } from './runtime/random-inputs.js';
export {
  createSession,
  type Optimization,
  type Port,
  portText,
  type ProviderName,
  type Session,
  type SessionOptions,
} from './runtime/session.js';
export { Spool } from './runtime/spool.js';
export { readInputFolder, readTensorFile } from './runtime/tensor-files.js';
export { checkWritable, makeFolder, writeFile, writePair } from './runtime/write-file.js';
export { type Saved, type SaveOptions, saveModel } from './save/save-model.js';
export * from './verify/index.js';
