import type { Attr } from '../../../src/graph/attr.js';
import { attrText, floatOfBits } from '../../../src/graph/attr.js';
import type { Graph, Node } from '../../../src/graph/ir.js';
import { asFloat64, type Tensor } from '../../../src/tensor/tensor.js';

/** Numbers of any type as float64, row-major. */
export interface Nd {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
export const nd = (shape: readonly number[], data: Float64Array | readonly number[]): Nd => {
  if (sizeOf(shape) !== data.length) throw new Error(`[${shape.join()}] cannot hold ${data.length} numbers`);
  return { shape: [...shape], data: Float64Array.from(data) };
};
export const ofTensor = (t: Tensor): Nd => ({ shape: t.shape, data: asFloat64(t) });

/** How far the next element along each axis is. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = at(strides, i + 1) * at(shape, i + 1);
  return strides;
}

/** The element, which has to be there. */
export function at(list: ArrayLike<number>, i: number): number {
  const v = list[i];
  if (v === undefined) throw new Error(`no element ${i} of ${list.length}`);
  return v;
}

/** The coordinates of every element of a shape, in order. The array is used anew for each. */
export function* places(shape: readonly number[]): Generator<readonly number[], void, undefined> {
  const place = shape.map(() => 0);
  const count = sizeOf(shape);
  for (let n = 0; n < count; n++) {
    yield place;
    for (let i = shape.length - 1; i >= 0; i--) {
      place[i] = at(place, i) + 1;
      if (at(place, i) < at(shape, i)) break;
      place[i] = 0;
    }
  }
}

/** A tensor whose element at each place is read from `x` at another, or is `otherwise`. */
export function gather(
  x: Nd,
  shape: readonly number[],
  from: (place: readonly number[]) => readonly number[] | undefined,
  otherwise = 0,
): Nd {
  const strides = stridesOf(x.shape);
  const data = new Float64Array(sizeOf(shape));
  let n = 0;
  for (const place of places(shape)) {
    const source = from(place);
    data[n++] = source
      ? at(
          x.data,
          source.reduce((sum, p, i) => sum + p * at(strides, i), 0),
        )
      : otherwise;
  }
  return { shape, data };
}

export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`[${a.join()}] and [${b.join()}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

export function broadcastTo(x: Nd, shape: readonly number[]): Nd {
  if (x.shape.length === shape.length && x.shape.every((d, i) => d === shape[i])) return x;
  const skip = shape.length - x.shape.length;
  return gather(x, shape, (place) => x.shape.map((d, i) => (d === 1 ? 0 : at(place, i + skip))));
}

/** A node as the interpreter sees it: its raw attributes, and its inputs computed. */
export class Call {
  constructor(
    readonly node: Node,
    readonly inputs: readonly (Nd | undefined)[],
  ) {}

  x(i: number): Nd {
    const v = this.inputs[i];
    if (!v) throw new Error(`${this.node.opType} has no input ${i}`);
    return v;
  }

  all(): Nd[] {
    return this.inputs.map((_, i) => this.x(i));
  }

  ints(name: string): number[] | undefined {
    const a = this.#attr(name);
    return a?.kind === 'ints' ? Array.from(a.values, Number) : undefined;
  }

  int(name: string, otherwise: number): number {
    const a = this.#attr(name);
    return a?.kind === 'int' ? Number(a.value) : otherwise;
  }

  float(name: string, otherwise: number): number {
    const a = this.#attr(name);
    return a?.kind === 'float' ? floatOfBits(a.bits) : otherwise;
  }

  string(name: string, otherwise: string): string {
    const a = this.#attr(name);
    return a?.kind === 'string' ? attrText(a.value) : otherwise;
  }

  graph(name: string): Graph {
    const a = this.#attr(name);
    if (a?.kind !== 'graph') throw new Error(`${this.node.opType} has no graph ${name}`);
    return a.value;
  }

  /** Integers from an attribute (older signatures), or else from an input. */
  list(name: string, input: number): number[] | undefined {
    const own = this.ints(name);
    if (own) return own;
    const v = this.inputs[input];
    return v && Array.from(v.data);
  }

  #attr(name: string): Attr | undefined {
    return this.node.attrs.get(name);
  }
}
