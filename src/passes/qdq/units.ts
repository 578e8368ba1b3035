import { constantTensor, type Graph, type Model, type Node, type Value } from '../../graph/ir.js';
import { isTensorType } from '../../graph/types.js';
import {
  Add,
  AveragePool,
  clipBounds,
  Concat,
  Conv,
  Flatten,
  Gemm,
  GlobalAveragePool,
  HardSigmoid,
  HardSwish,
  LeakyRelu,
  MaxPool,
  Mul,
  Relu,
  Reshape,
  Resize,
  Sigmoid,
  Slice,
  Split,
  Split13,
  Squeeze,
  Transpose,
  Unsqueeze,
} from '../../ops/index.js';

/*
 * A unit is what runs as one integer kernel: an operator with the activation that its output's range makes superfluous.
 *   weighted   Conv, Gemm: u8 x s8 products, per-channel scales
 *   combining  Add, Mul, Concat, mean pools, Sigmoid, LeakyRelu: integers in, integers out, with scales of their own
 *   moving     MaxPool, views, Split, Resize: the same integers elsewhere, with the scale of the input
 *   gate       HardSwish, HardSigmoid: an Add whose saturation is the clip
 */
export type UnitKind = 'weighted' | 'combining' | 'moving' | 'gate';

export interface Unit {
  readonly kind: UnitKind;
  readonly node: Node;
  /** Values that it reads as integers, constants of Add and Mul left out. */
  readonly inputs: readonly Value[];
  /** What comes out, after the absorbed activation. */
  readonly outputs: readonly Value[];
  /** A Relu or Clip between the operator and its output. */
  readonly absorbed?: Node | undefined;
}

/** What the absorbed activation bounds the output to. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

export const isFloat32 = (value: Value | undefined): boolean =>
  isTensorType(value?.type) && value.type.dtype === 'float32';

interface Core {
  readonly kind: UnitKind;
  readonly inputs: readonly Value[];
}

/** Why a layer with weights has no integer kernel; undefined where it has one. */
export function obstacle(node: Node): string | undefined {
  if (!node.is(Conv) && !node.is(Gemm)) return 'no integer kernel for this operator';
  const x = node.inputs[0];
  const weight = constantTensor(node.inputs[1]);
  if (!isFloat32(x)) return 'its input is not float32';
  if (!weight || weight.dtype !== 'float32') return 'its weight is computed, overridable or not float32';
  if (node.inputs[2] && !constantTensor(node.inputs[2])) return 'its bias is computed or overridable';
  if (x?.producer?.opType === 'DequantizeLinear') return 'it is quantised already';
  if (node.is(Gemm)) {
    if (node.attr.transA !== 0 || node.attr.alpha !== 1 || (node.in.c && node.attr.beta !== 1))
      return 'a Gemm with factors or a transposed input';
    const c = constantTensor(node.in.c);
    const outputs = weight.shape[node.attr.transB === 0 ? 1 : 0];
    if (c && !(c.shape.at(-1) === outputs && c.shape.slice(0, -1).every((d) => d === 1))) return 'its bias is a matrix';
  }
  return undefined;
}

const COMBINING = [Sigmoid, LeakyRelu, GlobalAveragePool] as const;
const MOVING = [Reshape, Flatten, Transpose, Squeeze, Unsqueeze, Slice, Split, Split13] as const;

function coreOf(node: Node, gates: boolean): Core | undefined {
  const [first] = node.inputs;
  if (!first || !isFloat32(first)) return undefined;
  if (node.is(Conv) || node.is(Gemm))
    return obstacle(node) === undefined ? { kind: 'weighted', inputs: [first] } : undefined;
  if (node.is(Add) || node.is(Mul)) {
    const inputs = [node.in.a, node.in.b].filter((v) => !constantTensor(v));
    return inputs.length > 0 ? { kind: 'combining', inputs } : undefined;
  }
  if (node.is(Concat))
    return node.in.xs.every((v) => !constantTensor(v)) ? { kind: 'combining', inputs: node.in.xs } : undefined;
  if (node.is(AveragePool))
    return node.attr.dilations?.some((d) => d !== 1) ? undefined : { kind: 'combining', inputs: [first] };
  if (COMBINING.some((op) => node.is(op))) return { kind: 'combining', inputs: [first] };
  if (gates && (node.is(HardSwish) || (node.is(HardSigmoid) && node.attr.alpha > 0)))
    return { kind: 'gate', inputs: [first] };
  if (node.is(MaxPool)) return node.out.indices ? undefined : { kind: 'moving', inputs: [first] };
  if (node.is(Resize))
    return node.attr.mode === 'cubic' || node.attr.coordinate_transformation_mode === 'tf_crop_and_resize'
      ? undefined
      : { kind: 'moving', inputs: [first] };
  return MOVING.some((op) => node.is(op)) ? { kind: 'moving', inputs: [first] } : undefined;
}

/** What an activation keeps of its input's range; undefined for what a saturating cast to integers cannot stand for. */
export function activationBounds(node: Node): Bounds | undefined {
  if (node.is(Relu)) return { low: 0, high: Number.POSITIVE_INFINITY };
  const clip = clipBounds(node);
  return clip && clip.min === 0 && clip.max > 0 ? { low: 0, high: clip.max } : undefined;
}

export const boundsOf = (unit: Unit | undefined): Bounds =>
  (unit?.absorbed && activationBounds(unit.absorbed)) ?? {
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
  };

/** The only user of a value that nothing else sees. */
export function onlyUser(value: Value): Node | undefined {
  if (value.uses.size !== 1 || value.outputCount > 0) return undefined;
  const [[user, count] = []] = value.uses;
  return count === 1 && user?.graph === value.graph ? user : undefined;
}

function unitAt(node: Node, gates: boolean): Unit | undefined {
  const core = coreOf(node, gates);
  const outputs = node.outputs.filter((v) => v !== undefined);
  const [only] = outputs;
  if (!core || !only) return undefined;
  if (core.kind === 'moving' || core.kind === 'gate') return { ...core, node, outputs };
  const user = onlyUser(only);
  const [activated] = user && activationBounds(user) ? user.outputs : [];
  return activated ? { ...core, node, outputs: [activated], absorbed: user } : { ...core, node, outputs: [only] };
}

/** The units of a model, by the values that they make; what stays float is in none. */
export interface Placement {
  readonly units: readonly Unit[];
  readonly byOutput: ReadonlyMap<Value, Unit>;
}

export interface PlaceOptions {
  /** Nodes that are to stay as they are. */
  readonly float: ReadonlySet<Node>;
  /** Whether HardSwish and HardSigmoid become integer operators, which takes unsigned ones. */
  readonly gates: boolean;
}

/**
 * Which operators of the main graph become integer kernels: all layers with weights, and between them whatever has a kernel, so that no float
 * island is left. What no layer with weights reads (the decoding of boxes, a softmax) stays float.
 */
export function place(model: Model, options: PlaceOptions): Placement {
  const candidates = candidatesOf(model.graph, options);
  const wanted = wantedValues(candidates);
  const byOutput = new Map<Value, Unit>();
  const units: Unit[] = [];
  for (const unit of candidates) {
    const fed = unit.inputs.some((v) => byOutput.has(v));
    if (unit.kind !== 'weighted' && !(fed && unit.outputs.some((v) => wanted.has(v)))) continue;
    units.push(unit);
    for (const value of unit.outputs) byOutput.set(value, unit);
  }
  return { units, byOutput };
}

function candidatesOf(graph: Graph, { float, gates }: PlaceOptions): Unit[] {
  const out: Unit[] = [];
  for (const node of graph.nodes()) {
    const unit = float.has(node) ? undefined : unitAt(node, gates);
    if (unit) out.push(unit);
  }
  return out;
}

/** Values that reach a layer with weights through candidates alone. */
function wantedValues(candidates: readonly Unit[]): ReadonlySet<Value> {
  const wanted = new Set<Value>();
  for (const unit of candidates.toReversed())
    if (unit.kind === 'weighted' || unit.outputs.some((v) => wanted.has(v)))
      for (const value of unit.inputs) wanted.add(value);
  return wanted;
}
