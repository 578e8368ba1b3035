import { everyGraph } from '../graph/edit.js';
import type { Model, Node, Value } from '../graph/ir.js';
import { nodeLabel } from '../graph/order.js';
import {
  Add,
  clipBounds,
  Conv,
  Div,
  Erf,
  Gelu,
  Gemm,
  GlobalAveragePool,
  HardSigmoid,
  HardSwish,
  MatMul,
  Mul,
  reduceAxes,
  Relu,
  scalarOf,
  Sigmoid,
  Swish,
} from '../ops/index.js';

/** A group of nodes that papers have a name for. */
export type PatternKind = 'hard-swish' | 'SiLU' | 'GELU' | 'GELU by tanh' | 'squeeze-and-excitation';

/** An activation or block that exporters write as one operator or as several, under its name in the literature. */
export interface Pattern {
  readonly kind: PatternKind;
  /** The node that makes its result. */
  readonly node: string;
  /** How many operators it is written in. */
  readonly operators: number;
}

/**
 * Activations and channel gates, in the forms in which exporters write them: SiLU as x * Sigmoid(x), hard-swish as x * HardSigmoid(x) or with
 * x + 3 clipped to 0..6 and divided by 6, the exact GELU with Erf, squeeze-and-excitation around either kind of mean.
 */
export function findPatterns(model: Model): readonly Pattern[] {
  const found: Pattern[] = [];
  for (const graph of everyGraph(model)) {
    for (const node of graph.nodes()) {
      const match = matchAt(node);
      if (match) found.push({ kind: match.kind, node: nodeLabel(node), operators: match.operators });
    }
  }
  return found;
}

export interface Match {
  readonly kind: PatternKind;
  /** What it is applied to. */
  readonly x: Value;
  readonly operators: number;
}

function matchAt(node: Node): Match | undefined {
  const activation = activationAt(node);
  if (activation || !node.is(Mul)) return activation;
  return excitation(node.in.a, node.in.b) ?? excitation(node.in.b, node.in.a);
}

/** The activation whose result this node makes. */
export function activationAt(node: Node): Match | undefined {
  if (node.is(HardSwish)) return { kind: 'hard-swish', x: node.in.x, operators: 1 };
  if (node.is(Swish)) return node.attr.alpha === 1 ? { kind: 'SiLU', x: node.in.x, operators: 1 } : undefined;
  if (node.is(Gelu))
    return { kind: node.attr.approximate === 'none' ? 'GELU' : 'GELU by tanh', x: node.in.x, operators: 1 };
  return node.is(Mul) || node.is(Div) ? ofProduct(node) : undefined;
}

// --- products ---------------------------------------------------------------------------------------------------------------------

/** A product with its constants collected: x * y / 6 has the factors x and y and the constant 1/6. */
interface Product {
  readonly factors: readonly Value[];
  readonly constant: number;
  readonly operators: number;
}

/** No exporter nests the factors of an activation deeper. */
const MAX_DEPTH = 3;

function product(value: Value, depth = 0): Product {
  const itself = { factors: [value], constant: 1, operators: 0 };
  const node = value.producer;
  // A value with other users is a factor of its own, not an inner step.
  if (!node || depth > MAX_DEPTH || (depth > 0 && value.uses.size > 1)) return itself;
  if (node.is(Div)) {
    const divisor = scalarOf(node.in.b);
    if (divisor === undefined) return itself;
    const p = product(node.in.a, depth + 1);
    return { ...p, constant: p.constant / divisor, operators: p.operators + 1 };
  }
  if (!node.is(Mul)) return itself;
  const sides = [node.in.a, node.in.b].map((side) => {
    const constant = scalarOf(side);
    return constant === undefined ? product(side, depth + 1) : { factors: [], constant, operators: 0 };
  });
  return {
    factors: sides.flatMap((s) => s.factors),
    constant: sides.reduce((c, s) => c * s.constant, 1),
    operators: sides.reduce((n, s) => n + s.operators, 1),
  };
}

const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-3 * Math.abs(b);

function ofProduct(node: Node): Match | undefined {
  const [y] = node.outputs;
  if (!y) return undefined;
  const { factors, constant, operators } = product(y);
  const [a, b] = factors;
  if (!a || !b || factors.length !== 2) return undefined;
  for (const [x, gate] of [
    [a, b],
    [b, a],
  ] as const) {
    const match = gated(x, gate, constant);
    if (match) return { kind: match.kind, x, operators: operators + match.operators };
  }
  return undefined;
}

/** constant * x * gate(x). */
function gated(x: Value, gate: Value, constant: number): Omit<Match, 'x'> | undefined {
  const node = gate.producer;
  if (!node) return undefined;
  if (near(constant, 1) && node.is(Sigmoid) && node.in.x === x) return { kind: 'SiLU', operators: 1 };
  const hard = hardGate(node);
  if (hard?.x === x && near(constant * hard.height, 1)) return { kind: 'hard-swish', operators: hard.operators };
  const erf = node.is(Add) && near(constant, 0.5) ? withOne(node.in.a, node.in.b) : undefined;
  return erf?.is(Erf) && isRootHalf(erf.in.x, x) ? { kind: 'GELU', operators: 3 } : undefined;
}

/** A gate that rises from 0 to `height` between x = -3 and x = 3. */
function hardGate(node: Node): { x: Value; height: number; operators: number } | undefined {
  if (node.is(HardSigmoid))
    return near(node.attr.alpha, 1 / 6) && near(node.attr.beta, 0.5)
      ? { x: node.in.x, height: 1, operators: 1 }
      : undefined;
  const bounds = clipBounds(node);
  if (bounds?.min !== 0 || bounds.max !== 6) return undefined;
  // ReLU6 is a Clip, or, as PyTorch writes its functional form, a Relu and a Clip.
  const below = node.inputs[0]?.producer;
  const relu = below?.is(Relu) ? below : undefined;
  const add = relu ? relu.in.x.producer : below;
  if (!add?.is(Add)) return undefined;
  const { a, b } = add.in;
  const x = scalarOf(b) === 3 ? a : scalarOf(a) === 3 ? b : undefined;
  return x && { x, height: 6, operators: relu ? 3 : 2 };
}

/** The producer of the operand that 1 is added to. */
const withOne = (a: Value, b: Value): Node | undefined =>
  scalarOf(b) === 1 ? a.producer : scalarOf(a) === 1 ? b.producer : undefined;

/** Whether a value is x / sqrt 2. */
function isRootHalf(value: Value, x: Value): boolean {
  const p = product(value);
  return p.factors.length === 1 && p.factors[0] === x && near(p.constant, Math.SQRT1_2);
}

// --- squeeze and excitation -------------------------------------------------------------------------------------------------------

/** From the gate back to the mean: two convolutions or products, an activation, views. */
const MAX_STEPS = 16;

/** x times a sigmoid, soft or hard, of what two layers make of x's means. */
function excitation(x: Value, gate: Value): Match | undefined {
  const last = throughViews(gate);
  const hard = last.producer && hardSigmoidOf(last);
  let at = hard?.x ?? (last.producer?.is(Sigmoid) ? last.producer.in.x : undefined);
  let operators = 1 + (hard?.operators ?? 1);
  let layers = 0;
  for (let step = 0; at && step < MAX_STEPS; step++) {
    const node: Node | undefined = at.producer;
    if (!node) return undefined;
    if (isMeanOf(node, x))
      return layers === 2 ? { kind: 'squeeze-and-excitation', x, operators: operators + 1 } : undefined;
    if (node.is(Conv) || node.is(Gemm) || node.is(MatMul)) layers += 1;
    const inner = activationAt(node);
    operators += inner?.operators ?? 1;
    at = inner?.x ?? passedOn(node);
  }
  return undefined;
}

/** HardSigmoid, or the clipped form of it; in 0..1. */
function hardSigmoidOf(value: Value): { x: Value; operators: number } | undefined {
  const p = product(value);
  const [only] = p.factors;
  const hard = p.factors.length === 1 && only?.producer ? hardGate(only.producer) : undefined;
  return hard && near(hard.height * p.constant, 1) ? { x: hard.x, operators: hard.operators + p.operators } : undefined;
}

const VIEWS: ReadonlySet<string> = new Set([
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Identity',
  'Dropout',
  'Expand',
]);

function throughViews(value: Value): Value {
  let at = value;
  for (let step = 0; step < MAX_STEPS && at.producer && VIEWS.has(at.producer.opType); step++)
    at = at.producer.inputs[0] ?? at;
  return at;
}

/** What a layer, view or activation is applied to; undefined for anything else. */
function passedOn(node: Node): Value | undefined {
  if (node.is(Add)) return scalarOrVector(node.in.b) ? node.in.a : scalarOrVector(node.in.a) ? node.in.b : undefined;
  if (node.is(Conv) || node.is(Relu) || node.is(HardSigmoid)) return node.in.x;
  if (node.is(Gemm) || node.is(MatMul)) return node.in.a;
  return VIEWS.has(node.opType) || clipBounds(node) ? node.inputs[0] : undefined;
}

const scalarOrVector = (value: Value): boolean => value.initializer !== undefined;

function isMeanOf(node: Node, x: Value): boolean {
  if (node.is(GlobalAveragePool)) return node.in.x === x;
  return node.opType === 'ReduceMean' && node.inputs[0] === x && reduceAxes(node)?.join() === '2,3';
}

/** The count of each kind, in order of first occurrence. */
export function countPatterns(patterns: readonly Pattern[]): ReadonlyMap<PatternKind, number> {
  const counts = new Map<PatternKind, number>();
  for (const { kind } of patterns) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
