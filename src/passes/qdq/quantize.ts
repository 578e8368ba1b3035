import { cloneModel } from '../../graph/clone.js';
import { Editor } from '../../graph/edit.js';
import { inferShapes } from '../../graph/infer.js';
import type { Model, Node, Value } from '../../graph/ir.js';
import type { ValueType } from '../../graph/types.js';
import { registry } from '../../ops/index.js';
import type { Statistics } from '../../running/observe.js';
import { emit, type EmittedLayer } from './emit.js';
import type { ActivationType } from './params.js';
import { rangesOf, type Trim } from './ranges.js';
import { shieldFloatLayers } from './shield.js';
import { obstacle, place, type Placement } from './units.js';

/** How one quantised form of a prepared float model is made. */
export interface Recipe {
  readonly activations: ActivationType;
  readonly safe: boolean;
  readonly trim: Trim;
  readonly correctBiases: boolean;
  /** Choose roundings of weights so that their errors cancel. */
  readonly compensate: boolean;
  /** Names of nodes that stay float. */
  readonly float: ReadonlySet<string>;
}

export interface Quantized {
  readonly model: Model;
  readonly layers: readonly EmittedLayer[];
  /** Layers with weights that stay float, and why. */
  readonly left: readonly { readonly node: string; readonly op: string; readonly reason: string }[];
}

/** Types of all values at given input types; kept on the model. */
export function inferAt(model: Model, inputs: ReadonlyMap<string, ValueType>): void {
  const types = new Map<Value, ValueType>();
  for (const value of model.graph.inputs) {
    const type = inputs.get(value.name);
    if (type) types.set(value, type);
  }
  inferShapes(model, registry, { values: types });
}

export const nodeKey = (node: Node): string => node.name ?? node.outputs[0]?.name ?? node.opType;

/** Where a recipe puts integers. */
export const placeFor = (model: Model, { float, activations }: Pick<Recipe, 'float' | 'activations'>): Placement =>
  place(model, {
    float: new Set([...model.graph.nodes()].filter((n) => float.has(nodeKey(n)))),
    gates: activations === 'uint8',
  });

/** A quantised copy of a float model that `inferAt` and `observe` have looked at. */
export function quantize(
  float: Model,
  inputs: ReadonlyMap<string, ValueType>,
  statistics: Statistics,
  recipe: Recipe,
): Quantized {
  const model = cloneModel(float);
  inferAt(model, inputs);
  const placement = placeFor(model, recipe);
  const ranges = rangesOf(placement, statistics, recipe.trim);
  const left = leftOf(model, placement, recipe.float);
  const layers = emit(model, placement, { ...recipe, ranges, statistics });
  shieldFloatLayers(model, new Editor(model));
  return { model, layers, left };
}

const WEIGHTED = new Set(['Conv', 'Gemm', 'ConvTranspose', 'MatMul']);

function leftOf(model: Model, placement: Placement, float: ReadonlySet<string>): Quantized['left'] {
  const units = new Set(placement.units.map((u) => u.node));
  return [...model.graph.nodes()].flatMap((node) => {
    if (!WEIGHTED.has(node.opType) || units.has(node)) return [];
    const asked = float.has(nodeKey(node)) ? 'it costs more accuracy than it saves time' : undefined;
    return { node: nodeKey(node), op: node.opType, reason: asked ?? obstacle(node) ?? 'no integer kernel fits here' };
  });
}
