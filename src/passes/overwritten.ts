import { type Editor, everyGraph, everyNode } from '../graph/edit.js';
import { canonicalDomain, type Model, type Node, type Value } from '../graph/ir.js';
import {
  BatchNormalization,
  BatchNormalization7,
  batchNorm,
  Dropout,
  Dropout10,
  Dropout7,
  Identity,
} from '../ops/index.js';
import { VIEWS } from './match.js';

/** Where a BatchNormalization has its running mean and variance. */
const STATISTICS = [3, 4] as const;

const trains = (node: Node): boolean =>
  (node.is(BatchNormalization) || node.is(BatchNormalization7)) && batchNorm(node)?.training === true;

/** Operators whose results onnxruntime lets lie where their input does. */
const SHARE_MEMORY = [Identity, Dropout, Dropout10, Dropout7, ...VIEWS] as const;

const viewed = ({ producer }: Value): Value | undefined =>
  SHARE_MEMORY.some((op) => producer?.is(op)) ? producer?.inputs[0] : undefined;

/**
 * Marks the running statistics of BatchNormalizations in training mode: onnxruntime writes the new ones into them, initializers included, so they are no
 * constants and nothing else may come to share them. Where a function of the model trains, all that is handed to functions is marked.
 */
export function markOverwritten(model: Model, edit: Editor): void {
  const training = everyNode(model).filter(trains);
  if (training.length === 0) return;
  for (const node of training)
    for (const slot of STATISTICS) {
      // A view shares the memory of what it views.
      let value = node.inputs[slot];
      for (; value && !value.isOverwritten; value = viewed(value)) edit.markOverwritten(value);
    }
  if (training.every((node) => node.graph.root === model)) return;
  const functions = new Set(model.functions.map((f) => `${canonicalDomain(f.domain)}:${f.name}`));
  for (const graph of everyGraph(model))
    for (const node of graph.nodes())
      if (functions.has(`${node.domain}:${node.opType}`))
        for (const value of node.inputs) if (value) edit.markOverwritten(value);
}
