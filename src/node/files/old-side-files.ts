import { existsSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CnnxError } from '../../base/errors.js';
import { OnnxTensor, readOnnx } from '../../formats/onnx/index.js';
import { everyGraph } from '../../graph/edit.js';
import { fileIdentity, FileSource, isOpenSource } from './file-source.js';

/** Names that cnnx gives side files: see `writePair`. */
const isOwnName = (name: string, model: string): boolean =>
  name.startsWith(`${model}.`) && /^\.(?:[0-9a-f]{8}\.)?data$/.test(name.slice(model.length));

/**
 * The side files that cnnx wrote for the model that stands at `path` now, to be removed once another model has taken
 * its place. None of them is one that is being read, or that another model of the folder names.
 */
export function ownSideFiles(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  const target = realpathSync(path);
  const folder = dirname(target);
  const model = basename(target);
  const own = [...locationsIn(target)].filter((name) => isOwnName(name, model) && existsSync(join(folder, name)));
  if (own.length === 0) return [];
  const others = readdirSync(folder).filter((name) => name !== model && /\.onnx$/i.test(name));
  const taken = new Set(others.flatMap((name) => [...locationsIn(join(folder, name))]));
  return own.filter((name) => !taken.has(name)).map((name) => join(folder, name));
}

/** Removes side files whose model is gone; one that is being read stays. */
export function removeSideFiles(paths: readonly string[]): void {
  for (const path of paths) {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat?.isFile() && !isOpenSource(fileIdentity(stat))) rmSync(path, { force: true });
  }
}

/** The names of side files in a model; none for what is no model, or cannot be read. */
function locationsIn(path: string): ReadonlySet<string> {
  const names = new Set<string>();
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return names;
  let source: FileSource | undefined;
  try {
    source = new FileSource(path);
    for (const graph of everyGraph(readOnnx(source)))
      for (const { initializer } of graph.initializers)
        if (initializer instanceof OnnxTensor && initializer.place) names.add(initializer.place.location);
  } catch (error) {
    if (!(error instanceof CnnxError)) throw error;
  } finally {
    source?.close();
  }
  return names;
}
