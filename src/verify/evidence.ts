import { everyGraph } from '../graph/edit.js';
import { constantTensor, type Model, type Node, type Value } from '../graph/ir.js';
import { asFloat64, isNumeric } from '../tensor/tensor.js';

const RANDOM = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]);

/** Operators whose result is drawn anew each time, with their names. */
export function randomOperators(model: Model): string[] {
  const out: string[] = [];
  for (const node of nodes(model)) {
    const drops = node.opType === 'Dropout' && node.inputs[2] !== undefined;
    if (RANDOM.has(node.opType) || drops) out.push(node.name ? `${node.opType} ${node.name}` : node.opType);
  }
  return out;
}

/** What makes a comparison of this model weak evidence. */
export function evidenceWarnings(model: Model): string[] {
  const norms = [...nodes(model)].filter((n) => n.opType === 'BatchNormalization');
  if (norms.length === 0 || !norms.every(isIdentity)) return [];
  return [
    `all ${norms.length} BatchNormalizations are identities (scale 1, bias 0, mean 0, variance 1): a model that lost them would pass too; use trained weights, or build with --init golden`,
  ];
}

function* nodes(model: Model): Generator<Node, void, undefined> {
  for (const graph of everyGraph(model)) yield* graph.nodes();
}

function isIdentity(norm: Node): boolean {
  const [, scale, bias, mean, variance] = norm.inputs;
  return filledWith(scale, 1) && filledWith(bias, 0) && filledWith(mean, 0) && filledWith(variance, 1);
}

function filledWith(value: Value | undefined, number: number): boolean {
  const t = constantTensor(value);
  return t !== undefined && isNumeric(t.dtype) && asFloat64(t).every((v) => v === number);
}
