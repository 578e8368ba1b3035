import { Editor } from '../../graph/edit.js';
import { constantTensor, type Graph, type Model, type Node, type Value } from '../../graph/ir.js';
import { isTensorType, staticShape } from '../../graph/types.js';
import {
  Add,
  Conv,
  DequantizeLinear,
  Gemm,
  HardSigmoid,
  HardSwish,
  Mul,
  Pad,
  QuantizeLinear,
} from '../../ops/index.js';
import { asFloat64, float32Tensor, int64Tensor, type Tensor, tensor } from '../../tensor/tensor.js';
import { type ActivationType, type Params, paramsFor, type Range } from './params.js';
import type { Statistics } from '../../running/observe.js';
import { meanErrors } from './bias-correction.js';
import { inputsFor, togetherFor } from './inputs.js';
import { rowsOf } from './rows.js';
import type { Placement, Unit } from './units.js';
import { quantizeWeight } from './weights.js';

export interface EmitOptions {
  readonly activations: ActivationType;
  /** Scale weights so that no pair of products can overflow int16. */
  readonly safe: boolean;
  /** Ranges of values by name. */
  readonly ranges: ReadonlyMap<string, Range>;
  /** What was observed of the float model: biases make up for the errors of weights, and roundings compensate each other. */
  readonly statistics: Statistics;
  readonly compensate: boolean;
  readonly correctBiases: boolean;
  /** Added to the biases of layers, by the name of their output. */
  readonly corrections?: ReadonlyMap<string, Float64Array> | undefined;
}

/** What became of a layer with weights. */
export interface EmittedLayer {
  readonly node: string;
  readonly op: string;
  /** The value that it makes, after its activation. */
  readonly output: string;
  /** Mean bits that its channels lost to safety from overflow. */
  readonly bits: number;
  readonly channels: number;
  /** Multiply-accumulates, or weights where sizes are not known: what its time goes by. */
  readonly work: number;
  readonly proven: boolean;
}

/** Biases have so many bits beside their sign; one more is left for what is added to them. */
const BIAS_MOST = 2 ** 30;

/** Three channels of an image become four: the products of four channels are what integer kernels add at a time. */
const PADDED_CHANNELS = 4;

/** Rewrites a float model in place: the units of a placement read and write integers (QuantizeLinear and DequantizeLinear around float operators). */
export function emit(model: Model, placement: Placement, options: EmitOptions): readonly EmittedLayer[] {
  return new Emitter(model, placement, options).run();
}

class Emitter {
  readonly #edit: Editor;
  readonly #graph: Graph;
  readonly #layers: EmittedLayer[] = [];
  /** By float value: what its readers that want integers read, and what the integers mean. */
  readonly #dequantized = new Map<Value, { readonly value: Value; readonly params: Params }>();

  /** Names as they were observed: a value that is written as integers gives its own to what is read back from them. */
  readonly #names = new Map<Value, string>();

  constructor(
    readonly model: Model,
    readonly placement: Placement,
    readonly options: EmitOptions,
  ) {
    this.#edit = new Editor(model);
    this.#graph = model.graph;
    for (const unit of placement.units)
      for (const value of [...unit.inputs, ...unit.outputs]) this.#names.set(value, value.name);
  }

  run(): readonly EmittedLayer[] {
    for (const unit of this.placement.units) this.#unit(unit);
    return this.#layers;
  }

  #unit(unit: Unit): void {
    const { node } = unit;
    const read = new Map(unit.inputs.map((v) => [v, this.#read(v, unit)]));
    node.inputs.forEach((v, i) => {
      const dequantized = v && read.get(v);
      if (dequantized && dequantized !== v) this.#edit.setInput(node, i, dequantized);
    });
    if (unit.kind === 'weighted') this.#weighted(unit);
    else if (unit.kind === 'combining') this.#constants(node);
    if (unit.kind === 'gate') this.#gate(unit);
    else if (this.#writesIntegers(unit))
      for (const value of unit.outputs) this.#write(unit, value, this.#params(unit, value));
  }

  /** A matrix product for float readers gives float numbers at once; every other kernel gives integers. */
  #writesIntegers(unit: Unit): boolean {
    if (!unit.node.is(Gemm)) return true;
    const readers = new Set(this.placement.units.flatMap((u) => u.inputs));
    return unit.outputs.some((v) => readers.has(v));
  }

  #params(unit: Unit, value: Value): Params {
    const [source] = unit.inputs;
    const known = unit.kind === 'moving' && source ? this.#dequantized.get(source) : undefined;
    return known?.params ?? this.#ranged(value);
  }

  #ranged(value: Value): Params {
    const range = this.options.ranges.get(value.name);
    if (!range) throw new Error(`bug: no range is known of ${value.name}`);
    return paramsFor(range, this.options.activations);
  }

  // --- activations ----------------------------------------------------------------------------------------------------------------

  #read(value: Value, unit: Unit): Value {
    const known = this.#dequantized.get(value);
    if (known) return known.value;
    const params = this.#ranged(value);
    const before = value.producer?.next ?? (value.producer ? undefined : this.#graph.first);
    const source = this.#padsChannels(value) ? this.#padded(value, before) : value;
    const quantized = this.#quantize(source, params, value.name, before);
    const dequantized = this.#dequantize(quantized, params, this.#edit.freshName(`${value.name}_dequantized`), before);
    this.#dequantized.set(value, { value: dequantized, params });
    void unit;
    return dequantized;
  }

  /** After a unit: everything that read its output reads the dequantized integers, under the same name. */
  #write(unit: Unit, value: Value, params: Params, meaning: Params = params): void {
    const { absorbed, node } = unit;
    const drops = absorbed !== undefined && params.dtype === 'uint8' && params.zeroPoint === 0;
    const source = drops ? node.outputs[0] : value;
    if (!source) throw new Error(`bug: ${node.opType} has no output`);
    const users = [...value.uses.keys()];
    const { name } = value;
    this.#edit.rename(value, this.#edit.freshName(`${name}_float`));
    const before = (drops ? node : (value.producer ?? node)).next;
    const quantized = this.#quantize(source, params, name, before);
    const dequantized = this.#dequantize(quantized, meaning, name, before);
    for (const user of users)
      this.#edit.setInputList(
        user,
        user.inputs.map((v) => (v === value ? dequantized : v)),
      );
    if (this.#graph.outputs.includes(value))
      this.#edit.listOutputs(
        this.#graph,
        this.#graph.outputs.map((v) => (v === value ? dequantized : v)),
      );
    this.#dequantized.set(value, { value: dequantized, params: meaning });
    // Moving its last reader has removed the activation already, unless the graph itself read it.
    if (drops && absorbed.outputs.length > 0 && value.uses.size === 0 && value.outputCount === 0)
      this.#edit.remove(absorbed);
  }

  #quantize(x: Value, params: Params, name: string, before: Node | undefined): Value {
    const { scale, zeroPoint } = this.#constantsOf(params);
    const options = {
      name: this.#edit.freshNodeName(`${name}_quantize`),
      outputs: [this.#edit.freshName(`${name}_quantized`)],
      before,
    };
    return this.#edit.add(this.#graph, QuantizeLinear, { x, scale, zero_point: zeroPoint }, {}, options).out.y;
  }

  #dequantize(x: Value, params: Params, name: string, before: Node | undefined): Value {
    const { scale, zeroPoint } = this.#constantsOf(params);
    const options = { name: this.#edit.freshNodeName(`${name}_dequantize`), outputs: [name], before };
    return this.#edit.add(this.#graph, DequantizeLinear, { x, scale, zero_point: zeroPoint }, {}, options).out.y;
  }

  readonly #shared = new Map<string, { readonly scale: Value; readonly zeroPoint: Value }>();

  #constantsOf(params: Params): { readonly scale: Value; readonly zeroPoint: Value } {
    const key = JSON.stringify(params);
    const known = this.#shared.get(key);
    if (known) return known;
    const made = {
      scale: this.#edit.constant(this.#graph, float32Tensor([], [params.scale]), 'scale'),
      zeroPoint: this.#edit.constant(
        this.#graph,
        tensor(params.dtype, [], Uint8Array.of(params.zeroPoint & 255)),
        'zero_point',
      ),
    };
    this.#shared.set(key, made);
    return made;
  }

  // --- the channels of an image ---------------------------------------------------------------------------------------------------

  #padsChannels(value: Value): boolean {
    const channels = isTensorType(value.type) && value.type.shape?.length === 4 ? value.type.shape[1] : undefined;
    if (channels !== 3) return false;
    const readers = this.placement.units.filter((u) => u.inputs.includes(value));
    return readers.every(({ node }) => node.is(Conv) && node.attr.group === 1);
  }

  #padded(value: Value, before: Node | undefined): Value {
    const pads = this.#edit.constant(this.#graph, int64Tensor([8], [0, 0, 0, 0, 0, PADDED_CHANNELS - 3, 0, 0]), 'pads');
    const options = { name: this.#edit.freshNodeName(`${value.name}_pad`), before };
    return this.#edit.add(this.#graph, Pad, { x: value, pads }, {}, options).out.y;
  }

  // --- weights --------------------------------------------------------------------------------------------------------------------

  #weighted(unit: Unit): void {
    const { node } = unit;
    const [source] = unit.inputs;
    const input = source && this.#dequantized.get(source);
    const held = node.inputs[1];
    const stored = constantTensor(held);
    if (!input || !held || !stored || !source) throw new Error(`bug: ${node.opType} has no constant weight`);
    const [output] = unit.outputs;
    const name = output?.name ?? '';
    const observed = this.#names.get(source) ?? source.name;
    const rows = rowsOf(node, stored.shape);
    const data = asFloat64(stored);
    const bias = biasOf(node, rows.count, this.options.corrections?.get(name));
    const leastScales = bias?.map((b) => Math.abs(b) / (input.params.scale * BIAS_MOST));
    const inputsOf = inputsFor(node, observed, this.options.statistics, rows);
    const weight = quantizeWeight(data, rows, this.options.safe, {
      leastScales,
      inputsOf: this.options.compensate ? inputsOf : undefined,
      together: togetherFor(node, observed, this.options.statistics),
    });
    const shift = this.options.correctBiases && inputsOf ? meanErrors(data, weight, rows, inputsOf) : undefined;
    const corrected = shift?.map((s, o) => (bias?.[o] ?? 0) - s) ?? bias;
    const { shape, values } = this.#padsChannels(source)
      ? withChannel(stored.shape, weight.values)
      : { shape: stored.shape, values: weight.values };
    const integers = tensor('int8', shape, new Uint8Array(values.buffer));
    this.#edit.setInput(node, 1, this.#stored(node, held.name, integers, weight.scales, rows.axis));
    if (corrected) this.#bias(node, corrected, weight.scales, input.params.scale);
    this.#layers.push({
      node: node.name ?? name,
      op: node.opType,
      output: name,
      bits: weight.bitsLost.reduce((a, b) => a + b, 0) / Math.max(1, rows.count),
      channels: rows.count,
      work: data.length * positionsOf(node),
      proven: weight.proven,
    });
  }

  #stored(node: Node, name: string, integers: Tensor, scales: Float32Array, axis: number): Value {
    const { length } = scales;
    const x = this.#edit.constant(this.#graph, integers, `${name}_quantized`);
    const scale = this.#edit.constant(this.#graph, float32Tensor([length], scales), `${name}_scale`);
    const zero_point =
      integers.dtype === 'int8'
        ? this.#edit.constant(this.#graph, tensor('int8', [length], new Uint8Array(length)), `${name}_zero_point`)
        : undefined;
    const options = {
      name: this.#edit.freshNodeName(`${name}_dequantize`),
      outputs: [this.#edit.freshName(`${name}_dequantized`)],
      before: node,
    };
    return this.#edit.add(this.#graph, DequantizeLinear, { x, scale, zero_point }, { axis }, options).out.y;
  }

  /** As int32 in units of the products: the scale of the input times that of the row. */
  #bias(node: Node, bias: Float64Array, scales: Float32Array, inputScale: number): void {
    // onnxruntime and the file hold this product as a float32.
    const units = scales.map((s) => s * inputScale);
    const integers = Int32Array.from(bias, (b, o) => Math.round(b / (units[o] ?? 1)));
    const name = node.inputs[2]?.name ?? `${node.inputs[1]?.name ?? 'weight'}_bias`;
    const data = tensor('int32', [bias.length], new Uint8Array(integers.buffer));
    const value = this.#stored(node, name, data, units, 0);
    this.#edit.setInputList(node, [node.inputs[0], node.inputs[1], value]);
  }

  /** The constant operand of an Add or Mul. */
  #constants(node: Node): void {
    node.inputs.forEach((value, i) => {
      const held = constantTensor(value);
      if (!value || held?.dtype !== 'float32' || !(node.is(Add) || node.is(Mul))) return;
      this.#edit.setInput(node, i, this.#constant(node, held, value.name));
    });
  }

  #constant(before: Node, held: Tensor, name: string): Value {
    const data = asFloat64(held);
    const range = data.reduce<Range>((r, v) => ({ low: Math.min(r.low, v), high: Math.max(r.high, v) }), {
      low: 0,
      high: 0,
    });
    const params = paramsFor(range, this.options.activations);
    const least = params.dtype === 'uint8' ? 0 : -128;
    const integers = Uint8Array.from(data, (v) => {
      const q = Math.round(v / params.scale) + params.zeroPoint;
      return Math.max(least, Math.min(least + 255, q)) & 255;
    });
    const x = this.#edit.constant(this.#graph, tensor(params.dtype, held.shape, integers), `${name}_quantized`);
    return this.#dequantize(x, params, this.#edit.freshName(`${name}_dequantized`), before);
  }

  // --- gates ----------------------------------------------------------------------------------------------------------------------

  /**
   * min(max(alpha x + beta, 0), 1) in integers: x + beta/alpha, whose cast to 0..255 at scale 1/(255 alpha) is the clip, read with scale 1/255.
   * HardSwish is its product with x.
   */
  #gate(unit: Unit): void {
    const { node } = unit;
    const [value] = unit.outputs;
    const x = node.inputs[0];
    if (!value || !x) throw new Error(`bug: ${node.opType} has no output`);
    const { alpha, beta } = node.is(HardSigmoid) ? node.attr : { alpha: 1 / 6, beta: 0.5 };
    const shift = this.#constant(node, float32Tensor([], [beta / alpha]), `${value.name}_shift`);
    const clip: Params = { dtype: 'uint8', scale: Math.fround(1 / (255 * alpha)), zeroPoint: 0 };
    const meaning: Params = { dtype: 'uint8', scale: Math.fround(1 / 255), zeroPoint: 0 };
    if (!node.is(HardSwish)) {
      const add = this.#edit.replace(node, Add, { a: x, b: shift });
      this.#write({ ...unit, node: add }, value, clip, meaning);
      return;
    }
    const sum = this.#edit.add(
      this.#graph,
      Add,
      { a: x, b: shift },
      {},
      { name: this.#edit.freshNodeName(`${value.name}_shifted`), before: node },
    );
    const quantized = this.#quantize(sum.out.y, clip, `${value.name}_gate`, node);
    const gate = this.#dequantize(quantized, meaning, this.#edit.freshName(`${value.name}_gate`), node);
    const product = this.#edit.replace(node, Mul, { a: x, b: gate });
    this.#write({ ...unit, node: product }, value, this.#ranged(value));
  }
}

/** A weight M,C,... with a channel of zeros added. Pairs of weights that were safe stay so: each is among two others, or alone with a zero. */
function withChannel(shape: readonly number[], data: Int8Array): { shape: number[]; values: Int8Array } {
  const [outputs = 0, channels = 0, ...kernel] = shape;
  const taps = kernel.reduce((n, k) => n * k, 1);
  const values = new Int8Array(outputs * PADDED_CHANNELS * taps);
  for (let o = 0; o < outputs; o++)
    values.set(data.subarray(o * channels * taps, (o + 1) * channels * taps), o * PADDED_CHANNELS * taps);
  return { shape: [outputs, PADDED_CHANNELS, ...kernel], values };
}

/** Output positions of a layer, each of which takes every weight once. */
const positionsOf = (node: Node): number =>
  staticShape(node.outputs[0]?.type)
    ?.slice(2)
    .reduce((n, d) => n * d, 1) ?? 1;

function biasOf(node: Node, outputs: number, correction: Float64Array | undefined): Float64Array | undefined {
  const held = constantTensor(node.inputs[2]);
  if (!held && !correction) return undefined;
  const bias = held ? asFloat64(held) : new Float64Array(outputs);
  // A Gemm's bias of one element is for all.
  const all = bias.length === outputs ? bias : new Float64Array(outputs).fill(bias[0] ?? 0);
  return correction ? all.map((b, o) => b + (correction[o] ?? 0)) : all;
}
