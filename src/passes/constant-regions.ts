import { CnnxError } from '../base/errors.js';
import { type Editor, everyGraph } from '../graph/edit.js';
import { extractModel } from '../graph/extract.js';
import type { Model, Node, Value } from '../graph/ir.js';
import { topologicalOrder } from '../graph/order.js';
import { isTensorType, staticShape } from '../graph/types.js';
import { constantOf } from '../ops/index.js';
import { bytesOf, type DType, elementCount } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import { isDeterministic } from './deterministic.js';
import type { Evaluate } from './evaluate.js';
import type { GrownConstants } from './grown-constants.js';
import { heldConstant, holdsInitializers, mayFold } from './match.js';

/** Nothing larger is computed on the way, 256 MiB: no weight is, and a model may ask for any size in a few bytes. */
const MAX_TENSOR_BYTES = 2 ** 28;
/** Nor more than this in one round, 1 GiB. */
const MAX_ROUND_BYTES = 2 ** 30;
/** A result may be this much larger than the constants that go with it, 1 MiB: masks, indices, small tables. */
const MAX_TENSOR_GROWTH = 2 ** 20;
/** All results together may be this much larger, 16 MiB. */
const MAX_GROWTH = 2 ** 24;
/** For results up to this size, 4 KiB, nobody looks what goes with them. */
const SMALL_BYTES = 2 ** 12;
/** How many nodes below a value are looked at for constants that go with it: weights are a few steps away. */
const MAX_LOOKED_AT = 256;
/** A region that cannot be evaluated is halved to find the operator at fault; this many tries a round. */
const MAX_TRIES = 24;

/** Element types that results can be read in. */
const READABLE: ReadonlySet<DType> = new Set<DType>([
  'float32',
  'float64',
  'float16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
]);

/** Quantised weights stay quantised: a folded DequantizeLinear would make them four times as large. */
const KEPT: ReadonlySet<string> = new Set(['DequantizeLinear', 'Constant']);

export interface FoldedRegions {
  /** Values that became constants. */
  readonly folded: number;
  /** Why regions could not be evaluated. */
  readonly failures: readonly string[];
}

/** What one run of `fuse` or `simplify` remembers between its rounds. */
export class RegionMemory {
  /** Nodes that the evaluator could not run. */
  readonly failed = new WeakSet<Node>();
  growth = 0;

  constructor(
    /** Remembers constants that make the model larger; absent where speed counts for more than size. */
    readonly grown?: GrownConstants,
  ) {}
}

/** Replaces every value that depends on constants alone, and that something else needs, by what `evaluate` finds it to be. */
export async function foldConstantRegions(
  model: Model,
  edit: Editor,
  evaluate: Evaluate,
  memory: RegionMemory,
): Promise<FoldedRegions> {
  const failures: string[] = [];
  let folded = 0;
  let tries = MAX_TRIES;
  const pending = [wantedValues(model, memory)];
  for (let values = pending.pop(); values; values = pending.pop()) {
    if (values.length === 0 || tries-- <= 0) continue;
    const nodes = regionOf(values);
    const { model: region, names } = extractModel(nodes, values, heldConstant);
    const result = await attempt(evaluate, region);
    if (!('failed' in result)) {
      const found = (value: Value): Tensor | undefined => result.values.get(names.get(value) ?? '');
      const noted = values.map((v) => memory.grown?.note(v, found(v), () => regionOf([v])));
      for (const [i, value] of values.entries()) {
        if (!foldTo(value, found(value), edit)) continue;
        noted[i]?.();
        folded += 1;
      }
    } else if (values.length === 1) {
      failures.push(result.failed);
      for (const node of nodes) memory.failed.add(node);
    } else {
      const half = Math.ceil(values.length / 2);
      pending.push(values.slice(half), values.slice(0, half));
    }
  }
  return { folded, failures };
}

/** Constants whose data is not there (stripped, or in a file that is gone) are a reason too. */
async function attempt(evaluate: Evaluate, region: Model): ReturnType<Evaluate> {
  try {
    return await evaluate(region);
  } catch (error) {
    if (error instanceof CnnxError) return { failed: error.message };
    throw error;
  }
}

/** The values at the rim of the constant regions, as far as the limits allow to keep them. */
function wantedValues(model: Model, memory: RegionMemory): Value[] {
  const constant = new Set<Node>();
  const graphs = everyGraph(model).filter(holdsInitializers);
  let room = MAX_ROUND_BYTES;
  // Outer graphs come first: what a subgraph captures is decided by then.
  for (const graph of graphs) {
    for (const node of topologicalOrder(graph)) {
      if (memory.failed.has(node) || !isConstant(node, constant)) continue;
      const bytes = node.outputs.map((v) => (v ? (sizeOf(v) ?? Number.POSITIVE_INFINITY) : 0));
      const sum = bytes.reduce((a, b) => a + b, 0);
      if (sum > room || bytes.some((b) => b > MAX_TENSOR_BYTES)) continue;
      room -= sum;
      constant.add(node);
    }
  }
  const credit = new Map<Value, number>();
  const rim = [...constant].flatMap((n) => n.outputs.filter((v) => v !== undefined && isRim(v, constant)));
  return rim.filter((v): v is Value => v !== undefined && isAffordable(v, constant, credit, memory));
}

function isConstant(node: Node, constant: ReadonlySet<Node>): boolean {
  const fixed = (v: Value | undefined): boolean =>
    v === undefined || constantOf(v) !== undefined || (v.producer !== undefined && constant.has(v.producer));
  return !KEPT.has(node.opType) && node.inputs.every(fixed) && isDeterministic(node);
}

/** Bytes of a value whose type and sizes are all known before it is computed. */
function sizeOf(value: Value): number | undefined {
  const shape = staticShape(value.type);
  return shape && isTensorType(value.type) ? bytesOf(value.type.dtype, elementCount(shape)) : undefined;
}

function isRim(value: Value, constant: ReadonlySet<Node>): boolean {
  if (!mayFold(value) || !isTensorType(value.type) || !READABLE.has(value.type.dtype)) return false;
  for (const user of value.uses.keys()) if (!constant.has(user)) return true;
  return false;
}

/** Whether the model grows by little: constants that nothing else needs go when the value takes their place, each counted once. */
function isAffordable(
  value: Value,
  constant: ReadonlySet<Node>,
  credit: Map<Value, number>,
  memory: RegionMemory,
): boolean {
  let growth = sizeOf(value) ?? 0;
  if (growth > SMALL_BYTES) {
    for (const source of sourcesOf(value, constant)) {
      const left = credit.get(source) ?? source.initializer?.byteLength ?? 0;
      const taken = Math.min(left, growth);
      credit.set(source, left - taken);
      growth -= taken;
    }
  }
  if (growth > MAX_TENSOR_GROWTH || memory.growth + growth > MAX_GROWTH) return false;
  memory.growth += growth;
  return true;
}

/** The initializers below a value that only constant nodes use. */
function sourcesOf(value: Value, constant: ReadonlySet<Node>): Value[] {
  const sources = new Set<Value>();
  const seen = new Set<Node>(value.producer ? [value.producer] : []);
  for (const node of seen) {
    for (const v of node.inputs) {
      if (v?.producer && constant.has(v.producer) && seen.size < MAX_LOOKED_AT) seen.add(v.producer);
      else if (v?.initializer && v.outputCount === 0 && [...v.uses.keys()].every((n) => constant.has(n)))
        sources.add(v);
    }
  }
  return [...sources];
}

/** The nodes that compute these values from constants, in an order in which they can run. */
function regionOf(values: readonly Value[]): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const below = (node: Node): Node[] =>
    node.inputs.flatMap((v) => (v?.producer && constantOf(v) === undefined ? [v.producer] : []));
  for (const { producer } of values) {
    if (!producer || seen.has(producer)) continue;
    seen.add(producer);
    const path = [{ node: producer, waitsFor: below(producer) }];
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.waitsFor.pop();
      if (!next) {
        order.push(top.node);
        path.pop();
      } else if (!seen.has(next)) {
        seen.add(next);
        path.push({ node: next, waitsFor: below(next) });
      }
    }
  }
  return order;
}

/** Puts a result in its value's place; false when it is not what inference said, and so not what the rules relied on. */
function foldTo(value: Value, data: Tensor | undefined, edit: Editor): boolean {
  const { type, producer } = value;
  if (!data || !isTensorType(type) || type.dtype !== data.dtype || staticShape(type)?.join() !== data.shape.join())
    return false;
  if (producer?.outputs.filter((v) => v !== undefined).length === 1) edit.foldTo(value, data);
  else edit.replaceUses(value, edit.constant(value.graph, data, `${value.name}_value`));
  return true;
}
