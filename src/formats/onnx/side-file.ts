import type { Chunk } from '../../base/bytes.js';
import { everyGraph } from '../../graph/edit.js';
import type { Model } from '../../graph/ir.js';
import { type Tensor, tensorChunk } from '../../tensor/tensor.js';
import { checkLocation } from './external.js';
import { externalized, internalized } from './tensor.js';

/** Offsets in a side file are multiples of this: a cache line, and the widest vector load. */
const ALIGNMENT = 64;

/** What is smaller stays in the model: shapes, axes and scalars are read by tools that do not open side files. */
const DEFAULT_THRESHOLD = 1024;

/** A file for weights beside the model's. */
export interface SideFile {
  /** The name that the model gives the side file, relative to its own folder. */
  readonly file: string;
  /** Initializers of at least so many bytes go there; 1024 if absent. */
  readonly threshold?: number | undefined;
}

export interface PlacedWeights {
  /** What the model has in a tensor's place: its place in the side file, or the tensor with its data in the model. */
  readonly tensor: (t: Tensor) => Tensor;
  /** The contents of the side file. */
  readonly side: Chunk[];
}

/**
 * Lays out a side file for the large initializers of a model and its subgraphs, wherever they stand now; all others go
 * into the model. Nothing is read. Throws `onnx/external-data` for a name that is no relative path.
 */
export function placeWeights(model: Model, { file, threshold = DEFAULT_THRESHOLD }: SideFile): PlacedWeights {
  checkLocation(file);
  const placed = new Map<Tensor, Tensor>();
  const side: Chunk[] = [];
  let offset = 0;
  for (const graph of everyGraph(model)) {
    for (const { initializer: t } of graph.initializers) {
      if (!t || t.strings || t.byteLength < threshold || placed.has(t)) continue;
      const padding = (ALIGNMENT - (offset % ALIGNMENT)) % ALIGNMENT;
      if (padding > 0) side.push(new Uint8Array(padding));
      offset += padding;
      side.push(tensorChunk(t));
      placed.set(t, externalized(t, file, offset));
      offset += t.byteLength;
    }
  }
  return { tensor: (t) => placed.get(t) ?? internalized(t), side };
}
