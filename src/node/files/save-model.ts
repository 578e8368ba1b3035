import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ByteRange, type Chunk, chunkSize } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { exportOnnx } from '../../export/onnx.js';
import { OnnxTensor } from '../../formats/onnx/index.js';
import { everyGraph } from '../../graph/edit.js';
import type { Model } from '../../graph/ir.js';
import { fileIdentity, type FileSource } from './file-source.js';
import { hadSideFiles, untouchedSideFiles } from './model-file.js';
import { ownSideFiles, removeSideFiles } from './old-side-files.js';
import { writeFile, writePair } from './write-file.js';

/** How a model is saved. */
export interface SaveOptions {
  /** `side`: weights in a file beside the model's. `inline`: in the model. If absent: as the model has or had them, in a side file when it would be too large without. */
  readonly weights?: 'side' | 'inline' | undefined;
  /** Called with the bytes that are on their way, and how many there are; of a side file where there is one. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
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
 * Writes a model, whole or not at all; '-' is standard output. What nothing edited is copied byte for byte, its side files under their names. Any other side file
 * is a new one of its own: those of other models stay as they are, and that of a model which this one replaces is removed when the new one is there. Throws `io/*`, and `onnx/too-large` for a model beyond 2 GiB that is to be inline, or that goes to standard output.
 */
export async function saveModel(model: Model, path: string, options: SaveOptions = {}): Promise<Saved> {
  const old = path === '-' ? [] : ownSideFiles(path);
  const done = await write(model, path, options);
  removeSideFiles(old);
  return done;
}

async function write(model: Model, path: string, options: SaveOptions): Promise<Saved> {
  const { weights } = options;
  const copied = weights === undefined && path !== '-' ? await copyAsItIs(model, path) : undefined;
  if (copied) return copied;
  if (weights === 'side' || (weights === undefined && path !== '-' && (hadSideFiles(model) || hasExternalData(model))))
    return saved(path, await savePair(model, path, options), false);
  try {
    const { model: chunks } = exportOnnx(model, weights === 'inline' || path === '-' ? { externalData: 'inline' } : {});
    await writeFile(path, counted(chunks, options));
    return saved(path, undefined, false);
  } catch (error) {
    if (!(error instanceof CnnxError) || error.code !== 'onnx/too-large' || weights === 'inline' || path === '-')
      throw error;
    return saved(path, await savePair(model, path, options), true);
  }
}

/**
 * A model that nothing edited, byte for byte, and its side files under their own names: beside the original they are the same files. Undefined where
 * that cannot be: another file has such a name already, or the name has a folder in it.
 */
async function copyAsItIs(model: Model, path: string): Promise<Saved | undefined> {
  const sides = [...(untouchedSideFiles(model) ?? [])].map(([location, source]) => ({
    source,
    target: join(dirname(path), location),
    isPlain: basename(location) === location,
  }));
  const missing = sides.filter(({ source, target }) => !isSameFile(target, source));
  if (sides.length === 0 || missing.some(({ target, isPlain }) => !isPlain || existsSync(target))) return undefined;
  for (const { source, target } of missing) await writeFile(target, [new ByteRange(source, 0, source.size)]);
  await writeFile(path, exportOnnx(model).model);
  return saved(path, sides[0]?.target, false);
}

function isSameFile(path: string, source: FileSource): boolean {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat !== undefined && fileIdentity(stat) === source.identity;
}

const saved = (path: string, side: string | undefined, tooLarge: boolean): Saved => ({ path, side, tooLarge });

const savePair = (model: Model, path: string, options: SaveOptions): Promise<string> =>
  writePair(path, (file) => {
    const { model: main, external: side = [] } = exportOnnx(model, { externalData: { file } });
    return { main, side: counted(side, options) };
  });

function* counted(chunks: readonly Chunk[], { onProgress }: SaveOptions): Generator<Chunk, void, undefined> {
  const total = chunks.reduce((n, c) => n + chunkSize(c), 0);
  let done = 0;
  for (const chunk of chunks) {
    yield chunk;
    done += chunkSize(chunk);
    onProgress?.(done, total);
  }
}

function hasExternalData(model: Model): boolean {
  for (const graph of everyGraph(model)) {
    for (const { initializer } of graph.initializers)
      if (initializer instanceof OnnxTensor && initializer.place) return true;
  }
  return false;
}
