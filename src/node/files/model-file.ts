import type { ByteSource } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import type { Limits } from '../../base/limits.js';
import { checkWeights, readOnnx } from '../../formats/onnx/index.js';
import type { Model } from '../../graph/ir.js';
import { ExternalFiles } from './external-files.js';
import { FileSource, openSource } from './file-source.js';

/** By the span of a model in its file, which clones share and which an edit takes away. */
const files = new WeakMap<object, string>();
const sideFiles = new WeakMap<Model, ReadonlyMap<string, FileSource>>();

/** How a model is opened. */
export interface OpenOptions {
  /** Bounds for this file; those of the process where left out. */
  readonly limits?: Partial<Limits> | undefined;
  /** `false`: a model may be opened whose external data is absent or refused; reading such weights throws. */
  readonly checkData?: boolean | undefined;
}

/**
 * Reads an ONNX model from a file, with its external data beside it, or from standard input for '-'. Weights stay in the files, which stay
 * open while the model is in use. Throws `io/*` and what `readOnnx` throws; that external data is missing or too short is found here.
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<Model> {
  const source = await openSource(path);
  const external = source instanceof FileSource ? new ExternalFiles(source) : undefined;
  try {
    return read(path, source, { ...options, external });
  } catch (error) {
    if (source instanceof FileSource) source.close();
    for (const file of external?.sources ?? []) file.close();
    throw error;
  }
}

interface Read extends OpenOptions {
  readonly external: ExternalFiles | undefined;
}

function read(path: string, source: ByteSource, { external, limits, checkData = true }: Read): Model {
  const name = path === '-' ? 'standard input' : path;
  const model = readOnnx(source, { external, limits, file: name });
  try {
    if (checkData) checkWeights(model);
  } catch (error) {
    throw error instanceof CnnxError ? error.within({ file: name }) : error;
  }
  if (path !== '-' && model.span) files.set(model.span, path);
  if (external && external.sources.length > 0) sideFiles.set(model, external.opened);
  return model;
}

/** The file that holds a model, or one that it was cloned from, as it is; undefined once it was edited, or if it came from nowhere. */
export const fileOf = (model: Model): string | undefined => model.span && files.get(model.span);

/** Whether a model was opened with weights in side files, whatever has become of those since. */
export const hadSideFiles = (model: Model): boolean => sideFiles.has(model);

/** The side files of a model that nothing has edited since it was opened, by the locations that it gives them. */
export const untouchedSideFiles = (model: Model): ReadonlyMap<string, FileSource> | undefined =>
  fileOf(model) === undefined ? undefined : sideFiles.get(model);
