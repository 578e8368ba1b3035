import type { Graph, Model, Node, Value } from '../../../src/graph/ir.js';
import { dependencies } from '../../../src/graph/order.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import * as blocks from './blocks.js';
import { loop, scan } from './loops.js';
import * as moves from './moves.js';
import { at, broadcastShape, broadcastTo, Call, nd, type Nd, ofTensor, places, sizeOf } from './nd.js';
import { averagePool, conv, convTranspose, maxPool } from './windows.js';

export { type Nd, nd, ofTensor };

/*
 * ONNX operators in float64, each as its specification says, one element at a time: a reference that shares nothing
 * with the passes, and asks nothing of the declarations either (it reads raw attributes).
 */

type Op = (call: Call) => Nd | readonly Nd[];

const map =
  (f: (v: number, call: Call) => number): Op =>
  (call) => ({ shape: call.x(0).shape, data: call.x(0).data.map((v) => f(v, call)) });

function zip(a: Nd, b: Nd, f: (x: number, y: number) => number): Nd {
  const shape = broadcastShape(a.shape, b.shape);
  const [u, v] = [broadcastTo(a, shape), broadcastTo(b, shape)];
  return { shape, data: u.data.map((x, i) => f(x, at(v.data, i))) };
}

const binary =
  (f: (x: number, y: number) => number): Op =>
  (call) =>
    zip(call.x(0), call.x(1), f);

const fold = (xs: readonly Nd[]): Nd => xs.reduce((a, b) => zip(a, b, (x, y) => x + y));

const mean: Op = (call) => {
  const sum = fold(call.all());
  return { ...sum, data: sum.data.map((v) => v / call.inputs.length) };
};

/** `sign`: -1 to take the mean away, 1 for a bound. */
function batchNormOf(call: Call, sign: -1 | 1): Nd {
  const [x, scale, bias] = [call.x(0), call.x(1), call.x(2)];
  const epsilon = call.float('epsilon', Math.fround(1e-5));
  const channels = at(x.shape, 1);
  const plane = sizeOf(x.shape.slice(2));
  const channelOf = (i: number): number => Math.floor(i / plane) % channels;
  let [mean, variance] = [call.x(3).data, call.x(4).data];
  if (call.int('training_mode', 0) !== 0) {
    const moment = (f: (v: number, c: number) => number): Float64Array => {
      const sums = new Float64Array(channels);
      x.data.forEach((v, i) => {
        sums[channelOf(i)] = at(sums, channelOf(i)) + f(v, channelOf(i)) / (x.data.length / channels);
      });
      return sums;
    };
    const own = moment((v) => v);
    variance = moment((v, c) => (v - at(own, c)) ** 2);
    mean = own;
  }
  const data = x.data.map((v, i) => {
    const c = channelOf(i);
    return ((v + sign * at(mean, c)) / Math.sqrt(at(variance, c) + epsilon)) * at(scale.data, c) + at(bias.data, c);
  });
  return { shape: x.shape, data };
}

function matMul(a: Nd, b: Nd): Nd {
  const [x, y] = [a.shape.length === 1 ? [1, ...a.shape] : a.shape, b.shape.length === 1 ? [...b.shape, 1] : b.shape];
  const [m, k, n] = [at(x, x.length - 2), at(x, x.length - 1), at(y, y.length - 1)];
  if (k !== at(y, y.length - 2)) throw new Error(`MatMul of [${x.join()}] and [${y.join()}]`);
  const batch = broadcastShape(x.slice(0, -2), y.slice(0, -2));
  const [u, v] = [
    broadcastTo({ shape: x, data: a.data }, [...batch, m, k]),
    broadcastTo({ shape: y, data: b.data }, [...batch, k, n]),
  ];
  const data = new Float64Array(sizeOf(batch) * m * n);
  for (let i = 0; i < data.length; i++) {
    const [image, row, column] = [Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n];
    let sum = 0;
    for (let j = 0; j < k; j++) sum += at(u.data, (image * m + row) * k + j) * at(v.data, (image * k + j) * n + column);
    data[i] = sum;
  }
  const shape = [...batch, ...(a.shape.length === 1 ? [] : [m]), ...(b.shape.length === 1 ? [] : [n])];
  return { shape, data };
}

const flipped = (x: Nd): Nd => {
  const [rows, columns] = [at(x.shape, 0), at(x.shape, 1)];
  return {
    shape: [columns, rows],
    data: x.data.map((_, i) => at(x.data, (i % rows) * columns + Math.floor(i / rows))),
  };
};

const gemm: Op = (call) => {
  const a = call.int('transA', 0) === 0 ? call.x(0) : flipped(call.x(0));
  const b = call.int('transB', 0) === 0 ? call.x(1) : flipped(call.x(1));
  const product = matMul(a, b);
  const alpha = call.float('alpha', 1);
  const beta = call.float('beta', 1);
  const scaled = { ...product, data: product.data.map((v) => v * alpha) };
  const c = call.inputs[2];
  return c ? zip(scaled, broadcastTo(c, product.shape), (x, y) => x + beta * y) : scaled;
};

const add = (x: number, y: number): number => x + y;

const reduce =
  (join: (x: number, y: number) => number, finish: (all: number, count: number) => number): Op =>
  (call) => {
    const x = call.x(0);
    const rank = x.shape.length;
    const given = call.list('axes', 1) ?? [];
    if (given.length === 0 && call.int('noop_with_empty_axes', 0) !== 0) return x;
    const axes = new Set((given.length === 0 ? x.shape.map((_, i) => i) : given).map((a) => (a < 0 ? a + rank : a)));
    const kept = x.shape.map((d, i) => (axes.has(i) ? 1 : d));
    /** In the order of their first elements, which is that of the result. */
    const sums = new Map<string, number>();
    let n = 0;
    for (const place of places(x.shape)) {
      const key = place.map((p, i) => (axes.has(i) ? 0 : p)).join();
      const known = sums.get(key);
      const next = at(x.data, n++);
      sums.set(key, known === undefined ? next : join(known, next));
    }
    const count = x.data.length / sizeOf(kept);
    const data = Float64Array.from(sums.values(), (sum) => finish(sum, count));
    const shape = call.int('keepdims', 1) === 0 ? x.shape.filter((_, i) => !axes.has(i)) : kept;
    return { shape, data };
  };

const globalAveragePool: Op = (call) => {
  const x = call.x(0);
  const plane = sizeOf(x.shape.slice(2));
  const data = new Float64Array(x.data.length / plane);
  x.data.forEach((v, i) => {
    data[Math.floor(i / plane)] = at(data, Math.floor(i / plane)) + v / plane;
  });
  return { shape: x.shape.map((d, i) => (i < 2 ? d : 1)), data };
};

const globalMaxPool: Op = (call) => {
  const x = call.x(0);
  const plane = sizeOf(x.shape.slice(2));
  const data = Float64Array.from({ length: x.data.length / plane }, (_, i) =>
    Math.max(...x.data.subarray(i * plane, (i + 1) * plane)),
  );
  return { shape: x.shape.map((d, i) => (i < 2 ? d : 1)), data };
};

const sizes: Op = (call) => ({ shape: [call.x(0).shape.length], data: Float64Array.from(call.x(0).shape) });

const range: Op = (call) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => at(call.x(i).data, 0)) as [number, number, number];
  const length = Math.max(0, Math.ceil((limit - start) / delta));
  return { shape: [length], data: Float64Array.from({ length }, (_, i) => start + i * delta) };
};

/** (x - zero point) * scale, one of each for all or for each entry of an axis. */
const dequantize = (call: Call): Nd => {
  const [x, scale, zero] = [call.x(0), call.x(1), call.inputs[2]];
  const axis = scale.shape.length === 0 ? undefined : call.int('axis', 1);
  const inner = axis === undefined ? 1 : sizeOf(x.shape.slice(axis + 1));
  const entry = (i: number): number => (axis === undefined ? 0 : Math.floor(i / inner) % at(x.shape, axis));
  const data = x.data.map((v, i) => (v - (zero ? at(zero.data, entry(i)) : 0)) * at(scale.data, entry(i)));
  return { shape: x.shape, data };
};

const same: Op = (call) => call.x(0);

const OPS: ReadonlyMap<string, Op> = new Map<string, Op>([
  ['Abs', map(Math.abs)],
  ['Add', binary((x, y) => x + y)],
  ['AveragePool', averagePool],
  ['BatchNormalization', (call) => batchNormOf(call, -1)],
  ['Cast', same],
  ['Concat', moves.concat],
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['DepthToSpace', blocks.depthToSpace],
  ['DequantizeLinear', dequantize],
  ['Div', binary((x, y) => x / y)],
  ['Dropout', same],
  ['Expand', moves.expand],
  ['Flatten', moves.flatten],
  ['Gemm', gemm],
  ['Gather', blocks.gatherAxis],
  ['GlobalAveragePool', globalAveragePool],
  ['GlobalMaxPool', globalMaxPool],
  ['Greater', binary((x, y) => (x > y ? 1 : 0))],
  ['Identity', same],
  ['LeakyRelu', map((v, call) => (v < 0 ? call.float('alpha', Math.fround(0.01)) * v : v))],
  ['MatMul', (call) => matMul(call.x(0), call.x(1))],
  ['MaxPool', maxPool],
  ['Mean', mean],
  ['Mul', binary((x, y) => x * y)],
  ['Neg', map((v) => -v)],
  ['Pad', moves.pad],
  ['PRelu', (call) => zip(call.x(0), call.x(1), (v, slope) => (v < 0 ? slope * v : v))],
  ['Range', range],
  ['ReduceMax', reduce(Math.max, (most) => most)],
  ['ReduceMean', reduce(add, (sum, n) => sum / n)],
  ['ReduceSum', reduce(add, (sum) => sum)],
  ['Relu', map((v) => Math.max(0, v))],
  ['Reshape', moves.reshape],
  ['Resize', blocks.resize],
  ['ScatterND', moves.scatterND],
  ['Shape', sizes],
  ['Sigmoid', map((v) => 1 / (1 + Math.exp(-v)))],
  ['Slice', moves.slice],
  ['SpaceToDepth', blocks.spaceToDepth],
  ['Split', moves.split],
  ['Squeeze', moves.squeeze],
  ['Sqrt', map(Math.sqrt)],
  ['Sub', binary((x, y) => x - y)],
  ['Sum', (call) => fold(call.all())],
  ['Tanh', map(Math.tanh)],
  ['Transpose', moves.transpose],
  ['Unsqueeze', moves.unsqueeze],
]);

/** Operators that the interpreter knows. */
export const NAIVE_OPS: readonly string[] = [...OPS.keys(), 'Constant', 'If', 'Loop', 'Scan'];

/**
 * For every operator whose result is not a sum of products of non-negative numbers: a bound on its magnitude, by which
 * its error may grow as well.
 */
const BOUNDS: ReadonlyMap<string, Op> = new Map<string, Op>([
  ['BatchNormalization', (call) => batchNormOf(call, 1)],
  ['DequantizeLinear', (call) => ({ ...dequantize(call), data: dequantize(call).data.map(Math.abs) })],
  ['LeakyRelu', same],
  ['PRelu', (call) => zip(call.x(0), call.x(1), (v, slope) => v * Math.max(1, slope))],
  ['Neg', same],
  ['Relu', same],
  ['Sigmoid', map((v) => Math.max(1, v))],
  ['Sub', binary((x, y) => x + y)],
  ['Tanh', map((v) => Math.max(1, v))],
]);

/** What a run of a model gives. */
export interface NaiveRun {
  /** By name, in the graph's order. */
  readonly outputs: ReadonlyMap<string, Nd>;
  /** Which way each If went, in the order of their running. */
  readonly branches: readonly boolean[];
}

/**
 * The outputs of a model. Nodes run in the file's order: one that reads what is not computed yet is an error. Feeds
 * override initializers.
 * `transparent`: operators to leave out, as if each gave its input.
 */
export function runNaive(model: Model, feeds: ReadonlyMap<string, Nd>, transparent: readonly string[] = []): NaiveRun {
  return new Run(undefined, transparent).model(model, feeds);
}

/**
 * A bound on the magnitude of every output: the model run on the magnitudes of its inputs and weights, with every sign
 * made plus. An error of one part in n in each weight is at most (that times the number of layers) of this bound in the
 * output. `branches`: of the run itself.
 */
export function magnitudes(model: Model, feeds: ReadonlyMap<string, Nd>, branches: readonly boolean[]): NaiveRun {
  const positive = new Map(Array.from(feeds, ([name, x]) => [name, { ...x, data: x.data.map(Math.abs) }]));
  return new Run([...branches]).model(model, positive);
}

/** The nodes that the outputs depend on: what leads nowhere need not even be computable. */
function neededIn(graph: Graph): ReadonlySet<Node> {
  const needed = new Set<Node>();
  const waiting = graph.outputs.flatMap((v) => v.producer ?? []);
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (needed.has(node) || node.graph !== graph) continue;
    needed.add(node);
    waiting.push(...dependencies(node));
  }
  return needed;
}

class Run {
  readonly #known = new Map<Value, Nd>();
  readonly #branches: boolean[] = [];

  /** `forced`: makes it a run on magnitudes, whose Ifs go these ways. */
  constructor(
    private readonly forced?: boolean[],
    private readonly transparent: readonly string[] = [],
  ) {}

  model(model: Model, feeds: ReadonlyMap<string, Nd>): NaiveRun {
    const { graph } = model;
    for (const input of graph.inputs) {
      const fed = feeds.get(input.name);
      if (fed) this.#known.set(input, fed);
    }
    const results = this.#graph(graph);
    const outputs = new Map<string, Nd>();
    graph.outputs.forEach((v, i) => {
      const result = results[i];
      if (result) outputs.set(v.name, result);
    });
    return { outputs, branches: this.#branches };
  }

  #graph(graph: Graph): Nd[] {
    for (const v of graph.initializers)
      if (v.initializer && !this.#known.has(v)) this.#known.set(v, this.#constant(v.initializer));
    const read = (value: Value): Nd => {
      const v = this.#known.get(value);
      if (!v) throw new Error(`${value.name} is read before it is computed`);
      return v;
    };
    const needed = neededIn(graph);
    for (const node of graph.nodes()) {
      if (!needed.has(node)) continue;
      const left = this.transparent.includes(node.opType) ? same : undefined;
      const op = left ?? (this.forced && BOUNDS.get(node.opType)) ?? OPS.get(node.opType) ?? this.#control(node.opType);
      if (!op || node.domain !== '') throw new Error(`the reference knows no ${node.opType}`);
      const inputs = node.inputs.map((v) => v && read(v));
      const made = op(new Call(node, inputs));
      const all = Array.isArray(made) ? (made as readonly Nd[]) : [made as Nd];
      node.outputs.forEach((value, i) => {
        const result = all[i];
        if (value && result) this.#known.set(value, result);
      });
    }
    return graph.outputs.map(read);
  }

  /** What runs graphs, or is one of the model's own constants. */
  #control(opType: string): Op | undefined {
    const run = (body: Graph, inputs: readonly Nd[]): Nd[] => {
      body.inputs.forEach((v, i) => {
        const given = inputs[i];
        if (given) this.#known.set(v, given);
      });
      return this.#graph(body);
    };
    switch (opType) {
      case 'If':
        return (call) => this.#branch(call);
      case 'Loop':
        return (call) => loop(call, run);
      case 'Scan':
        return (call) => scan(call, run);
      case 'Constant':
        return (call) => this.#constantNode(call.node);
      default:
        return undefined;
    }
  }

  /** Both branches are graphs without inputs that see the outer values. */
  #branch(call: Call): Nd[] {
    const taken = this.forced ? this.forced.shift() === true : call.x(0).data[0] !== 0;
    this.#branches.push(taken);
    return this.#graph(call.graph(taken ? 'then_branch' : 'else_branch'));
  }

  #constantNode(node: Node): Nd {
    const held = node.attrs.get('value');
    if (held?.kind !== 'tensor') throw new Error('Constant of another kind than a tensor');
    return this.#constant(held.value);
  }

  #constant(t: Tensor): Nd {
    const x = ofTensor(t);
    return this.forced && t.dtype.includes('float') ? { ...x, data: x.data.map(Math.abs) } : x;
  }
}
