import { inferShapes } from '../graph/infer.js';
import type { KnownInts } from '../graph/infer-node.js';
import type { Model, Value } from '../graph/ir.js';
import { registry } from '../ops/index.js';

/**
 * Finds the types of all values, and gives the integers that some of them hold. A type that the file declares of a node's output, and that
 * contradicts what the operator makes, does not count: onnxruntime runs such files all the same, and goes by the operator.
 */
export function findTypes(model: Model): KnownInts {
  const distrusted = new Set<Value>();
  for (;;) {
    const known: KnownInts = new WeakMap();
    const before = distrusted.size;
    for (const { node, value } of inferShapes(model, registry, { known, distrusted }))
      for (const output of node.outputs) if (output && output.name === value) distrusted.add(output);
    if (distrusted.size === before) return known;
  }
}
