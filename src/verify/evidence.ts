import { everyGraph } from '../graph/edit.js';
import { capturedBy } from '../graph/order.js';
import { constantTensor, type Model, type Node, type Value } from '../graph/ir.js';
import { printable } from '../base/text.js';
import type { Feeds } from '../running/session.js';
import { equalTensors } from '../tensor/equal.js';
import { asFloat64, isNumeric, type Tensor } from '../tensor/tensor.js';

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

/** Why an output says nothing about a model, by name: with it, any model that gives the same would pass. */
export function silentOutputs(model: Model, runs: readonly Feeds[]): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const value of new Set(model.graph.outputs)) {
    const why = silence(runs.flatMap((r) => r.get(value.name) ?? []));
    if (why !== undefined && dependsOnInputs(value)) out.set(value.name, `${printable(value.name)} ${why}`);
  }
  return out;
}

/** Why tensors of several unlike inputs say nothing; undefined where they do. */
export function silence(tensors: readonly Tensor[]): string | undefined {
  const [first] = tensors;
  if (!first) return undefined;
  const filled = tensors.every((t) => t.byteLength === 0) ? 'is empty' : filling(tensors);
  if (filled !== undefined) return `${filled} for every input`;
  return tensors.length > 1 && tensors.every((t) => equalTensors(t, first)) ? 'is the same for every input' : undefined;
}

function filling(tensors: readonly Tensor[]): string | undefined {
  if (tensors.some((t) => !isNumeric(t.dtype))) return undefined;
  const [first] = asFloat64(tensors.find((t) => t.byteLength > 0) ?? tensors[0] ?? NOTHING);
  const all = tensors.every((t) => asFloat64(t).every((v) => v === first || (Number.isNaN(v) && Number.isNaN(first))));
  const several = tensors.length > 1 || tensors.some((t) => t.shape.some((d) => d > 1));
  return all && several && first !== undefined ? `is ${first} throughout` : undefined;
}

const NOTHING: Tensor = { dtype: 'float32', shape: [0], byteLength: 0, bytes: () => new Uint8Array(0) };

/** Whether the numbers of an input reach a value: sizes do not count, and what subgraphs read does. */
function dependsOnInputs(output: Value): boolean {
  const pending = [output];
  const seen = new Set(pending);
  for (let value = pending.pop(); value; value = pending.pop()) {
    if (value.isInput && !value.initializer) return true;
    const node = value.producer;
    if (!node || node.opType === 'Shape' || node.opType === 'Size') continue;
    for (const input of node.subgraphs.length > 0 ? [...node.inputs, ...capturedBy(node)] : node.inputs) {
      if (!input || seen.has(input)) continue;
      seen.add(input);
      pending.push(input);
    }
  }
  return false;
}
