import { type KnownInts } from '../../graph/infer-node.js';
import type { Value } from '../../graph/ir.js';
import { type Dim, isOpenSize, type Shape } from '../../graph/types.js';
import { shapeOf } from '../../ops/tensors.js';

/**
 * What the batch is multiplied by to see where it goes: an axis whose size grows by just that carries it. No power of two, and no size that networks like.
 */
export const PROBE = 7;

/** How a value carries the batch: on one axis, `per` entries for each sample, which stand `step` entries apart: together where that is `per`. */
export interface Carried {
  readonly axis: number;
  readonly per: number;
  readonly step: number;
}

/** Sizes of a model at the batch that it was made for, beside those at `PROBE` times it. */
export class BatchSizes {
  readonly #was = new Map<Value, Shape>();
  /** Of values whose samples do not stand together. */
  readonly #steps = new Map<Value, number>();
  readonly known: KnownInts = new WeakMap();

  constructor(
    /** The batch that the model was made for. */
    readonly batch: number,
    values: Iterable<Value>,
  ) {
    for (const value of values) {
      const shape = shapeOf(value);
      if (shape)
        this.#was.set(
          value,
          shape.map((d) => (isOpenSize(d) ? undefined : d)),
        );
    }
  }

  /** The shape at the model's own batch. */
  was(value: Value | undefined): Shape | undefined {
    return value && this.#was.get(value);
  }

  /** Undefined where no axis grows with the batch, several do, or it is not known. */
  carried(value: Value | undefined): Carried | undefined {
    const [was, now] = [this.was(value), shapeOf(value)];
    if (!was || was.length !== now?.length) return undefined;
    const grown = was.flatMap((d, i) => (typeof d === 'number' && d !== now[i] ? [i] : []));
    const [axis] = grown;
    if (axis === undefined || grown.length > 1) return undefined;
    const size = was[axis];
    if (typeof size !== 'number' || size % this.batch !== 0 || now[axis] !== size * PROBE) return undefined;
    const per = size / this.batch;
    return { axis, per, step: value ? this.#step(value, per) : per };
  }

  /** Records in what steps the samples of a value stand; what is made of it, with as many entries for each, has the same. */
  setStep(value: Value, step: number): void {
    this.#steps.set(value, step);
  }

  #step(value: Value, per: number): number {
    const known = this.#steps.get(value);
    if (known !== undefined) return known;
    const found = (value.producer?.inputs ?? []).flatMap((input) => (input && this.#steps.get(input)) ?? []);
    const step = found.find((s) => per % s === 0) ?? per;
    if (step !== per) this.#steps.set(value, step);
    return step;
  }

  /** Whether a value has a size on this axis that is the batch's, and does not grow with it. */
  isStuck(value: Value | undefined, axis: number): boolean {
    return value !== undefined && this.carried(value) === undefined && shapeOf(value)?.[axis] === this.batch;
  }
}

/** The product of sizes that are all numbers. */
export function productOf(dims: readonly Dim[]): number | undefined {
  let product = 1;
  for (const d of dims) {
    if (typeof d !== 'number') return undefined;
    product *= d;
  }
  return product;
}
