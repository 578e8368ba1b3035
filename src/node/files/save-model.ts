import { CnnxError } from '../../base/errors.js';
import { exportOnnx } from '../../export/onnx.js';
import { OnnxTensor } from '../../formats/onnx/index.js';
import { everyGraph } from '../../graph/edit.js';
import type { Model } from '../../graph/ir.js';
import { hadSideFiles } from './model-file.js';
import { ownSideFiles, removeSideFiles } from './old-side-files.js';
import { writeFile, writePair } from './write-file.js';

/** How a model is saved. */
export interface SaveOptions {
  /** `side`: weights in a file beside the model's. `inline`: in the model. If absent: as the model has or had them, in a side file when it would be too large without. */
  readonly weights?: 'side' | 'inline' | undefined;
}

/** Where a model was saved. */
export interface Saved {
  readonly path: string;
  /** The side file with the weights, where one was written. */
  readonly side?: string | undefined;
  /** The model is larger than protobuf allows one file to be, so it was given a side file that nobody asked for. */
  readonly tooLarge: boolean;
}

/**
 * Writes a model, whole or not at all; '-' is standard output. A side file is always a new one of its own: those of other models stay as they
 * are, and that of a model which this one replaces is removed when the new one is there. Throws `io/*`, and `onnx/too-large` for a model beyond 2 GiB that is to be inline, or that goes to standard output.
 */
export async function saveModel(model: Model, path: string, options: SaveOptions = {}): Promise<Saved> {
  const old = path === '-' ? [] : ownSideFiles(path);
  const done = await write(model, path, options);
  removeSideFiles(old);
  return done;
}

async function write(model: Model, path: string, { weights }: SaveOptions): Promise<Saved> {
  if (weights === 'side' || (weights === undefined && path !== '-' && (hadSideFiles(model) || hasExternalData(model))))
    return saved(path, await savePair(model, path), false);
  try {
    const { model: chunks } = exportOnnx(model, weights === 'inline' || path === '-' ? { externalData: 'inline' } : {});
    await writeFile(path, chunks);
    return saved(path, undefined, false);
  } catch (error) {
    if (!(error instanceof CnnxError) || error.code !== 'onnx/too-large' || weights === 'inline' || path === '-')
      throw error;
    return saved(path, await savePair(model, path), true);
  }
}

const saved = (path: string, side: string | undefined, tooLarge: boolean): Saved => ({ path, side, tooLarge });

const savePair = (model: Model, path: string): Promise<string> =>
  writePair(path, (file) => {
    const { model: main, external: side = [] } = exportOnnx(model, { externalData: { file } });
    return { main, side };
  });

function hasExternalData(model: Model): boolean {
  for (const graph of everyGraph(model)) {
    for (const { initializer } of graph.initializers)
      if (initializer instanceof OnnxTensor && initializer.place) return true;
  }
  return false;
}
