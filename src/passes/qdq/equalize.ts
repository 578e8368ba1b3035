import { Editor } from '../../graph/edit.js';
import { constantTensor, type Model, type Node, type Value } from '../../graph/ir.js';
import { Conv, MaxPool } from '../../ops/index.js';
import { EXTREMES, type Statistics, type ValueStatistics } from '../../running/observe.js';
import { asFloat64, fromFloat64 } from '../../tensor/tensor.js';
import { channelRanges } from './ranges.js';
import { boundsOf, type Placement, type Unit } from './units.js';

/*
 * Cross-layer equalisation (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv:1906.04721). Where channel c of a value
 * is multiplied by s_c > 0 in the layer that makes it and divided by s_c in those that read it, nothing changes: ReLU commutes with it, a clip does for channels
 * that stay below its bound, and so does what moves whole channels. One scale for all channels of the value then loses less. How far to go is chosen by the
 * noise that is to be expected of activations and weights together.
 */

/** s_c = (R / r_c)^exponent of the range R of the value and r_c of the channel: 0 leaves all as it is, 1 makes all ranges equal. */
const EXPONENTS = [0, 0.25, 0.5, 0.75, 1] as const;

/** A channel that is nearly always zero is scaled as if it had this share of the range. */
const LEAST_SHARE = 1 / 256;

/** A channel whose largest number is this near to a clip's bound may have been cut by it. */
const NEAR = 0.999;

interface Reader {
  readonly node: Node;
  readonly weight: Value;
}

/** A layer, the values that hold its channels, and the layers that read them. */
interface Chain {
  readonly maker: Unit;
  readonly values: readonly Value[];
  readonly readers: readonly Reader[];
}

/** Equalises a float model in place. Gives the statistics of its values as they are then. */
export function equalize(model: Model, placement: Placement, statistics: Statistics): Statistics {
  const edit = new Editor(model);
  const readers = readersOf(placement);
  const out = new Map(statistics);
  for (const unit of placement.units) {
    const chain = chainFrom(unit, readers);
    const seen = chain && out.get(chain.values[0]?.name ?? '');
    const factors = chain && seen && factorsFor(chain, seen);
    if (!factors) continue;
    scaleMaker(chain.maker.node, factors, edit);
    for (const reader of chain.readers) scaleReader(reader, factors, edit);
    for (const value of chain.values) {
      const known = out.get(value.name);
      if (known) out.set(value.name, scaled(known, factors));
    }
  }
  return out;
}

type Readers = ReadonlyMap<Value, readonly Unit[]>;

function readersOf(placement: Placement): Readers {
  const out = new Map<Value, Unit[]>();
  for (const unit of placement.units)
    for (const value of unit.inputs) out.set(value, [...(out.get(value) ?? []), unit]);
  return out;
}

function chainFrom(maker: Unit, all: Readers): Chain | undefined {
  if (!maker.node.is(Conv) || !ownsWeights(maker.node)) return undefined;
  const values: Value[] = [];
  const readers: Reader[] = [];
  const pending = [...maker.outputs];
  for (let value = pending.pop(); value; value = pending.pop()) {
    values.push(value);
    const units = all.get(value) ?? [];
    // Whoever else reads it would see other numbers.
    if (value.outputCount > 0 || units.length !== value.uses.size || units.length === 0) return undefined;
    for (const unit of units) {
      const [, weight] = unit.node.inputs;
      if (unit.node.is(MaxPool)) pending.push(...unit.outputs);
      else if (unit.node.is(Conv) && weight && ownsWeights(unit.node)) readers.push({ node: unit.node, weight });
      else return undefined;
    }
  }
  return { maker, values, readers };
}

/** Weights that another layer shares cannot be scaled for one. */
const ownsWeights = (node: Node): boolean =>
  node.inputs.slice(1).every((v) => !v || (v.uses.size === 1 && [...v.uses.values()][0] === 1 && constantTensor(v)));

function factorsFor({ maker, readers }: Chain, seen: ValueStatistics): Float64Array | undefined {
  const { low, high } = channelRanges(seen, 0);
  const bound = boundsOf(maker).high;
  const spans = high.map((h, c) => Math.max(h, -(low[c] ?? 0), 0));
  const most = spans.reduce((a, b) => Math.max(a, b), 0);
  if (most === 0) return undefined;
  let best: { readonly noise: number; readonly factors: Float64Array } | undefined;
  for (const exponent of EXPONENTS) {
    const factors = spans.map((span) => {
      if (span >= NEAR * bound) return 1;
      return (most / Math.max(span, most * LEAST_SHARE)) ** exponent;
    });
    const noise = expectedNoise(readers, seen, factors, spans);
    if (!best || noise < best.noise * 0.999) best = { noise, factors };
  }
  return best && best.factors.some((f) => f !== 1) ? best.factors : undefined;
}

/** What rounding of the value and of its readers' weights adds to their outputs, relative to what comes out, up to a common factor. */
function expectedNoise(
  readers: readonly Reader[],
  seen: ValueStatistics,
  factors: Float64Array,
  spans: Float64Array,
): number {
  const step = spans.reduce((m, r, c) => Math.max(m, r * (factors[c] ?? 1)), 0) / 255;
  return readers.reduce((total, reader) => total + readerNoise(reader, seen, factors, step), 0);
}

function readerNoise({ node, weight }: Reader, seen: ValueStatistics, factors: Float64Array, step: number): number {
  const tensor = constantTensor(weight);
  const { power } = seen;
  if (!tensor || !power) return 0;
  const data = asFloat64(tensor);
  const { outputs, perGroup, taps, channelOf } = geometry(node, tensor.shape);
  let noise = 0;
  for (let o = 0; o < outputs; o++) {
    let [largest, activation, signal, carried] = [0, 0, 0, 0];
    for (let i = 0; i < perGroup; i++) {
      const c = channelOf(o, i);
      const f = factors[c] ?? 1;
      let squares = 0;
      for (let t = 0; t < taps; t++) {
        const w = data[(o * perGroup + i) * taps + t] ?? 0;
        squares += w * w;
        largest = Math.max(largest, Math.abs(w) / f);
      }
      activation += squares / (f * f);
      signal += squares * (power[c] ?? 0);
      carried += taps * f * f * (power[c] ?? 0);
    }
    if (signal > 0) noise += (step ** 2 * activation + (largest / 127) ** 2 * carried) / signal;
  }
  return noise;
}

interface Geometry {
  readonly outputs: number;
  readonly perGroup: number;
  readonly taps: number;
  /** The channel of the input that weight `i` of output `o` is for. */
  readonly channelOf: (o: number, i: number) => number;
}

function geometry(node: Node, shape: readonly number[]): Geometry {
  const [outputs = 0, perGroup = 0, ...kernel] = shape;
  const groups = node.is(Conv) ? node.attr.group : 1;
  const outputsPerGroup = outputs / groups;
  return {
    outputs,
    perGroup,
    taps: kernel.reduce((n, k) => n * k, 1),
    channelOf: (o, i) => Math.floor(o / outputsPerGroup) * perGroup + i,
  };
}

function scaleMaker(node: Node, factors: Float64Array, edit: Editor): void {
  for (const value of node.inputs.slice(1)) {
    const tensor = constantTensor(value);
    if (!value || !tensor) continue;
    const data = asFloat64(tensor);
    const row = data.length / factors.length;
    edit.setInitializer(
      value,
      fromFloat64(
        'float32',
        tensor.shape,
        data.map((w, i) => w * (factors[Math.floor(i / row)] ?? 1)),
      ),
    );
  }
}

function scaleReader({ node, weight }: Reader, factors: Float64Array, edit: Editor): void {
  const tensor = constantTensor(weight);
  if (!tensor) return;
  const { perGroup, taps, channelOf } = geometry(node, tensor.shape);
  const data = asFloat64(tensor).map((w, at) => {
    const i = Math.floor(at / taps);
    return w / (factors[channelOf(Math.floor(i / perGroup), i % perGroup)] ?? 1);
  });
  edit.setInitializer(weight, fromFloat64('float32', tensor.shape, data));
}

function scaled(seen: ValueStatistics, factors: Float64Array): ValueStatistics {
  const by = (values: Float64Array, each: number, power = 1): Float64Array =>
    values.map((v, i) => v * (factors[Math.floor(i / each)] ?? 1) ** power);
  return {
    ...seen,
    lows: by(seen.lows, EXTREMES),
    highs: by(seen.highs, EXTREMES),
    taps: new Map(Array.from(seen.taps, ([key, means]) => [key, by(means, means.length / factors.length)])),
    boxes: new Map(Array.from(seen.boxes, ([key, squares]) => [key, by(squares, 1, 2)])),
    power: seen.power && by(seen.power, 1, 2),
    products: seen.products?.map(
      (v, i) => v * (factors[Math.floor(i / factors.length)] ?? 1) * (factors[i % factors.length] ?? 1),
    ),
  };
}
