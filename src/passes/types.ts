import { type Editor, everyGraph } from '../graph/edit.js';
import { inferShapes } from '../graph/infer.js';
import type { KnownInts } from '../graph/infer-node.js';
import type { Model } from '../graph/ir.js';
import { isOpenSize, isTensorType } from '../graph/types.js';
import { registry } from '../ops/index.js';

/**
 * Finds the types of all values, and gives the integers that some of them hold. Only sizes that are computed count: what a file declares of inner values
 * and outputs may be stale, and onnxruntime runs such files all the same.
 */
export function findTypes(model: Model): KnownInts {
  const known: KnownInts = new WeakMap();
  inferShapes(model, registry, { known, computedOnly: true });
  return known;
}

/** Takes the names that `findTypes` gave to open sizes out of the types: they mean nothing outside of the passes. */
export function forgetOpenSizes(model: Model, edit: Editor): void {
  for (const graph of everyGraph(model))
    for (const value of graph.values.values()) {
      const { type } = value;
      if (!isTensorType(type) || !type.shape?.some(isOpenSize)) continue;
      edit.setType(value, { ...type, shape: type.shape.map((d) => (isOpenSize(d) ? undefined : d)) });
    }
}
