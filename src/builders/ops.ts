import { CnnxError } from '../base/errors.js';
import type { AttrsOf, InputsOf } from '../graph/edit.js';
import type { Value } from '../graph/ir.js';
import type { AnyOpDef, NodeOf } from '../graph/op-def.js';
import { isTensorType } from '../graph/types.js';
import {
  Add,
  AveragePool,
  Concat,
  Div,
  Flatten,
  Gather,
  GlobalAveragePool,
  MatMul,
  MaxPool,
  Mul,
  Relu,
  Sigmoid,
  Slice,
  Softmax,
  Split,
  Split13,
} from '../ops/index.js';
import { float32Tensor, int64Tensor, type Tensor } from '../tensor/tensor.js';
import { adaptiveWindows } from './adaptive.js';
import type { Network } from './network.js';

/** Height and width; one number stands for both. */
export type Size2 = number | readonly [number, number];

export const pair = (s: Size2): readonly [number, number] => (typeof s === 'number' ? [s, s] : s);
const text = (s: Size2): string => pair(s).join('x');

export interface Window {
  readonly kernel: Size2;
  readonly stride?: Size2;
  /** On both sides of each axis. */
  readonly pad?: Size2;
  readonly dilation?: number;
}

/** A place in a network: its path is the prefix of state-dict keys and node names. Here: what has no parameters. */
export class Ops {
  constructor(
    readonly net: Network,
    readonly path: string,
  ) {}

  /** The full name of a child. */
  name(child: string | number): string {
    return this.path === '' ? String(child) : `${this.path}.${child}`;
  }

  /** N, C, H, W (or N, features) of a value; N may be named. */
  shape(x: Value): readonly (number | string | undefined)[] {
    if (!isTensorType(x.type) || !x.type.shape) throw new Error(`bug: the shape of ${x.name} is not known`);
    return x.type.shape;
  }

  /** The extent of an axis other than the batch. */
  extent(x: Value, axis: number): number {
    const d = this.shape(x)[axis];
    if (typeof d !== 'number') throw new Error(`bug: axis ${axis} of ${x.name} is not a number`);
    return d;
  }

  channels(x: Value): number {
    return this.extent(x, 1);
  }

  relu(x: Value, name: string | number = 'relu'): Value {
    return this.node(Relu, { x }, {}, name).out.y;
  }

  sigmoid(x: Value, name: string | number = 'sigmoid'): Value {
    return this.node(Sigmoid, { x }, {}, name).out.y;
  }

  softmax(x: Value, name: string | number = 'softmax'): Value {
    return this.node(Softmax, { x }, { axis: 1 }, name).out.y;
  }

  add(a: Value, b: Value, name: string | number = 'add'): Value {
    return this.node(Add, { a, b }, {}, name).out.y;
  }

  mul(a: Value, b: Value, name: string | number = 'mul'): Value {
    return this.node(Mul, { a, b }, {}, name).out.y;
  }

  /** x / c. */
  divide(x: Value, c: number, name: string | number = 'div'): Value {
    return this.node(Div, { a: x, b: this.scalar(c) }, {}, name).out.y;
  }

  /** A float32 number, one initializer for all its uses. */
  scalar(value: number): Value {
    return this.net.scalar(value);
  }

  /** x * scale + shift, one number for each channel. */
  affine(x: Value, scale: readonly number[], shift: readonly number[], name: string): Value {
    const perChannel = (values: readonly number[], what: string): Value =>
      this.constant(float32Tensor([1, values.length, 1, 1], values), `${name}.${what}`);
    return this.add(this.mul(x, perChannel(scale, 'scale'), `${name}.mul`), perChannel(shift, 'shift'), `${name}.add`);
  }

  /** Along the channels. */
  concat(values: readonly Value[], name: string | number = 'concat'): Value {
    return this.node(Concat, { xs: values }, { axis: 1 }, name).out.y;
  }

  /** Parts with these numbers of channels. */
  split(x: Value, sizes: readonly number[], name: string | number = 'split'): readonly Value[] {
    const { net } = this;
    const inputs = { x, split: this.constant(int64Tensor([sizes.length], sizes), `${name}.sizes`) };
    const key = this.name(name);
    const node =
      net.opset >= 18
        ? net.node(Split, inputs, { axis: 1 }, key, sizes.length)
        : net.node(Split13, inputs, { axis: 1 }, key, sizes.length);
    return node.outputs.filter((y) => y !== undefined);
  }

  /** N, C, H, W to N, C * H * W. */
  flatten(x: Value, name: string | number = 'flatten'): Value {
    return this.node(Flatten, { x }, { axis: 1 }, name).out.y;
  }

  /** Takes `rows` and `columns` away at both ends of H and W. */
  crop(x: Value, rows: number, columns: number, name: string | number): Value {
    const ints = (values: readonly number[], what: string): Value =>
      this.constant(int64Tensor([2], values), `${name}.${what}`);
    const starts = ints([rows, columns], 'starts');
    const ends = ints([this.extent(x, 2) - rows, this.extent(x, 3) - columns], 'ends');
    return this.node(Slice, { x, starts, ends, axes: ints([2, 3], 'axes') }, {}, name).out.y;
  }

  maxPool(x: Value, window: Window & { ceil?: boolean }, name: string | number = 'pool'): Value {
    this.checkWindow(x, window, name);
    const attrs = { ...poolAttrs(window), ...(window.ceil && { ceil_mode: 1 }) };
    return this.node(MaxPool, { x }, attrs, name).out.y;
  }

  /** Padding counts into the mean, as PyTorch's default is. */
  avgPool(x: Value, window: Window, name: string | number = 'pool'): Value {
    this.checkWindow(x, window, name);
    const padded = pair(window.pad ?? 0).some((p) => p > 0);
    return this.node(AveragePool, { x }, { ...poolAttrs(window), ...(padded && { count_include_pad: 1 }) }, name).out.y;
  }

  globalAvgPool(x: Value, name: string | number = 'avgpool'): Value {
    return this.node(GlobalAveragePool, { x }, {}, name).out.y;
  }

  /** Means over windows that begin at floor(i in / out) and end at ceil((i + 1) in / out): PyTorch's adaptive pooling, in the cheapest exact form. */
  adaptiveAvgPool(x: Value, size: Size2, name: string | number = 'avgpool'): Value {
    const out = pair(size);
    if (out[0] === 1 && out[1] === 1) return this.globalAvgPool(x, name);
    const axes = [adaptiveWindows(this.extent(x, 2), out[0]), adaptiveWindows(this.extent(x, 3), out[1])] as const;
    if (axes.every((a) => a.size === 1 && a.step === 1)) return x;
    const [rows, columns] = axes;
    if (rows.step !== undefined && columns.step !== undefined && rows.size !== undefined && columns.size !== undefined)
      return this.avgPool(x, { kernel: [rows.size, columns.size], stride: [rows.step, columns.step] }, name);
    if (rows.size !== undefined && columns.size !== undefined) {
      const kernel = [rows.size, columns.size] as const;
      const spread = this.pick(x, 2, rows.indices, `${name}.rows`);
      // A map smaller than the output: pixels are repeated, and there is nothing to take the mean of.
      if (kernel[0] === 1 && kernel[1] === 1) return this.pick(spread, 3, columns.indices, `${name}`);
      const picked = this.pick(spread, 3, columns.indices, `${name}.columns`);
      return this.avgPool(picked, { kernel, stride: kernel }, name);
    }
    const across = this.constant(float32Tensor([this.extent(x, 3), out[1]], columns.matrix(true)), `${name}.columns`);
    const down = this.constant(float32Tensor([out[0], this.extent(x, 2)], rows.matrix(false)), `${name}.rows`);
    const y = this.node(MatMul, { a: x, b: across }, {}, `${name}.columns`).out.y;
    return this.node(MatMul, { a: down, b: y }, {}, name).out.y;
  }

  pick(x: Value, axis: number, indices: readonly number[], name: string): Value {
    const data = this.constant(int64Tensor([indices.length], indices), `${name}.indices`);
    return this.node(Gather, { x, indices: data }, { axis }, name).out.y;
  }

  /** A constant that is no parameter of the network. */
  constant(data: Tensor, name: string): Value {
    return this.net.editor.constant(this.net.graph, data, this.name(name));
  }

  /** A node named after this place; its first output bears the same name. */
  node<D extends AnyOpDef>(op: D, inputs: InputsOf<D>, attrs: AttrsOf<D>, name: string | number): NodeOf<D> {
    return this.net.node(op, inputs, attrs, this.name(name));
  }

  /** Throws `builder/shape` when a window is larger than the padded feature map. */
  protected checkWindow(x: Value, window: Window, name: string | number): void {
    const kernel = pair(window.kernel);
    const pad = pair(window.pad ?? 0);
    const dilation = window.dilation ?? 1;
    for (const [axis, k] of kernel.entries()) {
      if (this.extent(x, axis + 2) + 2 * (pad[axis] ?? 0) >= dilation * (k - 1) + 1) continue;
      const map = `${this.extent(x, 2)} x ${this.extent(x, 3)} pixels`;
      const padding = pad.some((p) => p > 0) ? ` with padding ${text(window.pad ?? 0)}` : '';
      const spread = dilation > 1 ? ` at dilation ${dilation}` : '';
      throw new CnnxError(
        'builder/shape',
        `a ${text(kernel)} window${spread} does not fit a feature map of ${map}${padding}`,
        {
          at: { node: this.name(name) },
        },
      );
    }
  }
}

function poolAttrs(window: Window): {
  kernel_shape: readonly number[];
  strides: readonly number[];
  pads: readonly number[];
} {
  const pad = pair(window.pad ?? 0);
  return { kernel_shape: pair(window.kernel), strides: pair(window.stride ?? 1), pads: [...pad, ...pad] };
}
