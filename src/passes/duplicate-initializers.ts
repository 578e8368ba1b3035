import { CnnxError } from '../base/errors.js';
import { type Editor, everyGraph } from '../graph/edit.js';
import { constantTensor, type Graph, type Model, type Value } from '../graph/ir.js';
import { equalTensors, hashTensor, tensorEdges } from '../tensor/equal.js';
import type { Tensor } from '../tensor/tensor.js';

/** Lets all users of initializers with equal type, shape and bytes use the first of them. Gives how many went. */
export function mergeDuplicateInitializers(model: Model, edit: Editor): number {
  let merged = 0;
  for (const graph of everyGraph(model)) {
    if (graph.root !== model) continue;
    for (const [first, ...others] of equalInitializers(graph)) {
      for (const other of others) {
        if (first) edit.replaceUses(other, first);
        merged += 1;
      }
    }
  }
  return merged;
}

/** The sets of equal initializers that are no outputs and that no caller can change, each in the file's order. */
function equalInitializers(graph: Graph): Value[][] {
  const all = [...graph.initializers].filter((v) => constantTensor(v) && v.outputCount === 0);
  // Each sign costs more than the one before, and is asked only of those that all the cheaper ones leave together.
  let sets = split([all], (t) => `${t.dtype}[${t.shape.join()}]${t.byteLength}`);
  sets = split(sets, (t) => readable(() => tensorEdges(t)));
  sets = split(sets, (t) => readable(() => String(hashTensor(t))));
  return sets.flatMap(equalOnes);
}

function split(sets: readonly Value[][], sign: (t: Tensor) => string | undefined): Value[][] {
  const out: Value[][] = [];
  for (const set of sets) {
    const bySign = new Map<string, Value[]>();
    for (const value of set) {
      const key = value.initializer && sign(value.initializer);
      if (key === undefined) continue;
      const same = bySign.get(key);
      if (same) same.push(value);
      else bySign.set(key, [value]);
    }
    for (const same of bySign.values()) if (same.length > 1) out.push(same);
  }
  return out;
}

/** Data may be stripped from a model, or its file gone: such tensors are equal to none. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CnnxError) return undefined;
    throw error;
  }
}

function equalOnes(set: readonly Value[]): Value[][] {
  const found: Value[][] = [];
  for (const value of set) {
    const data = value.initializer;
    const home = found.find(([first]) => first?.initializer && data && equalTensors(first.initializer, data));
    if (home) home.push(value);
    else found.push([value]);
  }
  return found.filter((f) => f.length > 1);
}
