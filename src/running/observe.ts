import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model, Value } from '../graph/ir.js';
import { isTensorType, staticShape } from '../graph/types.js';
import {
  AveragePool,
  MatMul,
  Mul,
  ReduceMax,
  ReduceMax1,
  ReduceMean,
  ReduceMean1,
  ReduceMin,
  ReduceMin1,
  Reshape,
  Transpose,
} from '../ops/index.js';
import { asFloat64, float32Tensor, int64Tensor, type Tensor } from '../tensor/tensor.js';
import type { Dataset } from './dataset.js';
import type { Runner } from './runner.js';
import { type Feeds, releaseQuietly } from './session.js';

/** How a window runs over one spatial axis. */
export interface TapAxis {
  readonly size: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding before the first element. */
  readonly begin: number;
  /** Output positions. */
  readonly positions: number;
}

export type Window = readonly TapAxis[];

export const windowKey = (window: Window): string => JSON.stringify(window);

/** A value to watch, and what is wanted of it beside its ranges. */
export interface Watch {
  readonly value: string;
  /** The windows that read it: give the mean of what each tap sees. At most two axes; none for a matrix product. */
  readonly windows?: readonly Window[] | undefined;
  /** The mean of squares of each channel, and of its sums under each window. */
  readonly power?: boolean | undefined;
  /** How channels go together, of values with a batch of 1. */
  readonly covariance?: boolean | undefined;
}

/** Images kept for each channel's ends: enough to leave out some outliers. */
export const EXTREMES = 8;

/** Running statistics of one value; nothing in them grows with its spatial size. Channels stand on axis 1. */
export interface ValueStatistics {
  /** The smallest and largest numbers of each channel in those images in which they are most extreme, in falling order of extremity: [channel][EXTREMES]. */
  readonly lows: Float64Array;
  readonly highs: Float64Array;
  readonly images: number;
  /** By window: the mean over images and output positions of what each tap sees, zeros of the padding included: [channel][tap]. */
  readonly taps: ReadonlyMap<string, Float64Array>;
  /** By window of several taps: the mean of the squares of what all of its taps see together, divided by their number, by channel. */
  readonly boxes: ReadonlyMap<string, Float64Array>;
  /** The mean of squares by channel. */
  readonly power?: Float64Array | undefined;
  /** The mean of products of channels at one position: [channel][channel]. */
  readonly products?: Float64Array | undefined;
}

export type Statistics = ReadonlyMap<string, ValueStatistics>;

interface Probe {
  readonly watch: Watch;
  readonly low: string;
  readonly high: string;
  /** By window. */
  readonly taps: ReadonlyMap<string, string>;
  readonly boxes: ReadonlyMap<string, string>;
  readonly power?: string | undefined;
  readonly products?: string | undefined;
}

/**
 * Runs a model over a dataset and keeps ranges and means of values: reductions in the graph itself make them, so that no activation leaves the
 * session. Throws what running throws.
 */
export async function observe(
  model: Model,
  watches: readonly Watch[],
  data: Dataset,
  runner: Runner,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Statistics> {
  const watched = cloneModel(model);
  const probes = addProbes(watched, watches);
  const sums = new Map<string, Sums>();
  const session = await runner.load(watched, { optimization: 'all', threads: 1 });
  try {
    for (let i = 0; i < data.count; i++) {
      const { feeds } = await data.item(i);
      const out = await session.run(feeds);
      for (const probe of probes) add(sums, probe, out);
      onProgress(i + 1, data.count);
    }
  } finally {
    await releaseQuietly(session);
    runner.forget(watched);
  }
  return new Map(Array.from(sums, ([name, s]) => [name, finished(s, data.count)]));
}

interface Sums {
  readonly lows: Float64Array;
  readonly highs: Float64Array;
  readonly taps: ReadonlyMap<string, Float64Array>;
  readonly boxes: ReadonlyMap<string, Float64Array>;
  readonly power: Float64Array | undefined;
  readonly products: Float64Array | undefined;
}

function add(all: Map<string, Sums>, probe: Probe, out: Feeds): void {
  const read = (name: string | undefined): Float64Array | undefined => {
    const t = name === undefined ? undefined : out.get(name);
    return t && asFloat64(t);
  };
  const low = read(probe.low) ?? new Float64Array(0);
  const high = read(probe.high) ?? new Float64Array(0);
  const readAll = (names: ReadonlyMap<string, string>): ReadonlyMap<string, Float64Array> =>
    new Map(Array.from(names, ([key, name]) => [key, read(name) ?? new Float64Array(0)]));
  const taps = readAll(probe.taps);
  const boxes = readAll(probe.boxes);
  const power = read(probe.power);
  const products = read(probe.products);
  const known = all.get(probe.watch.value);
  if (!known) {
    const ends = (first: Float64Array, none: number): Float64Array => {
      const out = new Float64Array(first.length * EXTREMES).fill(none);
      first.forEach((v, c) => (out[c * EXTREMES] = v));
      return out;
    };
    const lows = ends(low, Number.POSITIVE_INFINITY);
    all.set(probe.watch.value, { lows, highs: ends(high, Number.NEGATIVE_INFINITY), taps, boxes, power, products });
    return;
  }
  low.forEach((v, c) => insert(known.lows, c, v, (a, b) => a < b));
  high.forEach((v, c) => insert(known.highs, c, v, (a, b) => a > b));
  for (const [key, means] of taps) accumulate(known.taps.get(key), means);
  for (const [key, means] of boxes) accumulate(known.boxes.get(key), means);
  accumulate(known.power, power);
  accumulate(known.products, products);
}

/** Keeps the most extreme values of a channel in order. */
function insert(ends: Float64Array, channel: number, value: number, beyond: (a: number, b: number) => boolean): void {
  const start = channel * EXTREMES;
  let at = start + EXTREMES - 1;
  if (!beyond(value, ends[at] ?? value)) return;
  for (; at > start && beyond(value, ends[at - 1] ?? value); at--) ends[at] = ends[at - 1] ?? value;
  ends[at] = value;
}

function accumulate(into: Float64Array | undefined, values: Float64Array | undefined): void {
  if (into) values?.forEach((v, i) => (into[i] = (into[i] ?? 0) + v));
}

const finished = (s: Sums, images: number): ValueStatistics => ({
  ...s,
  images,
  taps: divided(s.taps, images),
  boxes: divided(s.boxes, images),
  power: s.power?.map((v) => v / images),
  products: s.products?.map((v) => v / images),
});

const divided = (sums: ReadonlyMap<string, Float64Array>, by: number): ReadonlyMap<string, Float64Array> =>
  new Map(Array.from(sums, ([key, values]) => [key, values.map((v) => v / by)]));

/** Lets a model give the reductions, and nothing else. */
function addProbes(model: Model, watches: readonly Watch[]): readonly Probe[] {
  const { graph } = model;
  const edit = new Editor(model);
  const outputs: Value[] = [];
  const reducer = new Reducer(edit, model);
  const emit = (value: Value): string => {
    outputs.push(value);
    return value.name;
  };
  const probes = watches.flatMap((watch): Probe[] => {
    const value = graph.values.get(watch.value);
    const rank = value && isTensorType(value.type) ? value.type.shape?.length : undefined;
    if (!value || rank === undefined || rank < 1) return [];
    const axes = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 1 || rank === 1);
    return [
      {
        watch,
        low: emit(reducer.reduce(value, 'min', axes)),
        high: emit(reducer.reduce(value, 'max', axes)),
        taps: new Map(watch.windows?.map((w) => [windowKey(w), emit(reducer.taps(value, w, rank))])),
        boxes: new Map(
          watch.windows
            ?.filter((w) => watch.power && isBox(w) && rank === w.length + 2)
            .map((w) => [windowKey(w), emit(reducer.meanSquare(reducer.box(value, w), axes))]),
        ),
        power: watch.power ? emit(reducer.meanSquare(value, axes)) : undefined,
        products: watch.covariance ? emit(reducer.products(value)) : undefined,
      },
    ];
  });
  edit.listOutputs(graph, outputs);
  return probes;
}

type Reduction = 'min' | 'max' | 'mean';

const NEW = { min: ReduceMin, max: ReduceMax, mean: ReduceMean } as const;
const OLD = { min: ReduceMin1, max: ReduceMax1, mean: ReduceMean1 } as const;

/** A window of several taps that a pool of onnxruntime can have too: padding smaller than the window, no dilation. */
const isBox = (window: Window): boolean =>
  window.some((a) => a.taps > 1) &&
  window.every((a) => a.dilation === 1 && a.begin < a.taps && endOf(a) >= 0 && endOf(a) < a.taps);

/** Padding after the last element, as far as the window reaches. */
const endOf = ({ size, taps, stride, begin, positions }: TapAxis): number =>
  (positions - 1) * stride + taps - begin - size;

class Reducer {
  readonly #constants = new Map<string, Value>();

  constructor(
    readonly edit: Editor,
    readonly model: Model,
  ) {}

  /** Over some axes, which go. */
  reduce(x: Value, kind: Reduction, axes: readonly number[]): Value {
    const { graph } = this.model;
    const options = { outputs: [this.edit.freshName(`observed_${kind}`)] };
    if ((this.model.opset('') ?? 0) < 18)
      return this.edit.add(graph, OLD[kind], { x }, { axes, keepdims: 0 }, options).out.y;
    const at = this.constant(`axes_${axes.join('_')}`, () => int64Tensor([axes.length], axes));
    return this.edit.add(graph, NEW[kind], { x, axes: at }, { keepdims: 0 }, options).out.y;
  }

  /** The mean of squares over some axes, which go. */
  meanSquare(x: Value, axes: readonly number[]): Value {
    const { graph } = this.model;
    const squares = this.edit.add(
      graph,
      Mul,
      { a: x, b: x },
      {},
      { outputs: [this.edit.freshName('observed_square')] },
    );
    return this.reduce(squares.out.y, 'mean', axes);
  }

  /** Channels times channels, averaged over positions; of values 1,C,... */
  products(x: Value): Value {
    const { graph } = this.model;
    const shape = staticShape(x.type) ?? [];
    const channels = shape[1] ?? 1;
    const positions = shape.slice(2).reduce((n, d) => n * d, 1);
    const to = this.constant(`shape_${channels}`, () => int64Tensor([2], [channels, -1]));
    const options = (): { outputs: readonly string[] } => ({ outputs: [this.edit.freshName('observed_products')] });
    const flat = this.edit.add(graph, Reshape, { x, shape: to }, {}, options()).out.y;
    const turned = this.edit.add(graph, Transpose, { x: flat }, { perm: [1, 0] }, options()).out.y;
    const sums = this.edit.add(graph, MatMul, { a: flat, b: turned }, {}, options()).out.y;
    const scale = this.constant(`scale_${positions}`, () => float32Tensor([], [1 / positions]));
    return this.edit.add(graph, Mul, { a: sums, b: scale }, {}, options()).out.y;
  }

  /** The mean of what all taps of a window see, at each output position. */
  box(x: Value, window: Window): Value {
    const attrs = {
      kernel_shape: window.map((a) => a.taps),
      strides: window.map((a) => a.stride),
      pads: [...window.map((a) => a.begin), ...window.map(endOf)],
      count_include_pad: 1,
    };
    const options = { outputs: [this.edit.freshName('observed_box')] };
    return this.edit.add(this.model.graph, AveragePool, { x }, attrs, options).out.y;
  }

  /**
   * What each tap of a window sees, averaged over output positions: rows and columns are picked by two small matrix products, since tap (i, j) sums
   * x[y s + i d - p, x s + j d - p] over all positions, and that is separable.
   */
  taps(x: Value, window: Window, rank: number): Value {
    const { graph } = this.model;
    const plain = window.every((a) => a.taps === 1 && a.stride === 1 && a.begin === 0 && a.positions === a.size);
    const channelOnly = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 1);
    if (plain) return this.reduce(x, 'mean', channelOnly);
    let y = x;
    const last = window.at(-1);
    if (last) {
      const b = this.constant(`columns_${JSON.stringify(last)}`, () => picks(last, true));
      y = this.edit.add(graph, MatMul, { a: y, b }, {}, { outputs: [this.edit.freshName('observed_columns')] }).out.y;
    }
    const [first] = window;
    if (window.length === 2 && first) {
      const a = this.constant(`rows_${JSON.stringify(first)}`, () => picks(first, false));
      y = this.edit.add(graph, MatMul, { a, b: y }, {}, { outputs: [this.edit.freshName('observed_rows')] }).out.y;
    }
    return this.reduce(y, 'mean', [0]);
  }

  private constant(key: string, make: () => Tensor): Value {
    const known = this.#constants.get(key) ?? this.edit.constant(this.model.graph, make(), 'observed');
    this.#constants.set(key, known);
    return known;
  }
}

/** Which elements of an axis each tap sees, divided by the number of positions: [taps, size], or the other way round. */
function picks({ size, taps, stride, dilation, begin, positions }: TapAxis, columns: boolean): Tensor {
  const data = new Float32Array(size * taps);
  for (let t = 0; t < taps; t++)
    for (let o = 0; o < positions; o++) {
      const at = o * stride + t * dilation - begin;
      if (at < 0 || at >= size) continue;
      const i = columns ? at * taps + t : t * size + at;
      data[i] = (data[i] ?? 0) + 1 / positions;
    }
  return float32Tensor(columns ? [size, taps] : [taps, size], data);
}
