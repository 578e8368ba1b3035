/** The public API in Node: all of `cnnx/core`, with files, and with onnxruntime-node in another process as what runs models. */
export * from './core.js';
export {
  benchModels,
  type BenchOptions,
  compareModels,
  type CompareOptions,
  fuseChecked,
  type FuseCheckedOptions,
  fuseModel as fuse,
  profileModel,
  setDimsChecked,
  type SetDimsCheckedOptions,
} from './node/api.js';
export { openCheckpoint } from './node/files/checkpoint-file.js';
export { FileSource } from './node/files/file-source.js';
export { readImage } from './node/files/image-file.js';
export { imagenetLabels, readLabels } from './node/files/labels.js';
export { openModel, type OpenOptions } from './node/files/model-file.js';
export { type DownloadOptions, type PretrainedFile, pretrainedPath } from './node/files/pretrained.js';
export { type Saved, saveModel, type SaveOptions } from './node/files/save-model.js';
export { readInputFolder, readTensorFile } from './node/files/tensor-files.js';
export { inspectMachine, type Library, type Machine, missingForCuda } from './node/machine/machine.js';
export { startRunner } from './node/machine/process-runner.js';
export {
  type ChosenProvider,
  chooseProvider,
  probeProvider,
} from './node/onnxruntime/providers.js';
export type { ProviderProbe } from './node/onnxruntime/provider-probe.js';
