import { everyGraph } from '../graph/edit.js';
import type { Model } from '../graph/ir.js';

/** The bytes of all weights of a model, wherever they stand. */
export function weightBytes(model: Model): number {
  let bytes = 0;
  for (const graph of everyGraph(model))
    for (const { initializer } of graph.initializers) bytes += initializer?.byteLength ?? 0;
  return bytes;
}
