import { intsOf } from '../../graph/infer-node.js';
import type { Node } from '../../graph/ir.js';
import type { Dim, Shape } from '../../graph/types.js';
import { constantOf, Reshape, reshaped } from '../../ops/index.js';
import { vectorOf } from '../../ops/ints.js';
import { shapeOf } from '../../ops/tensors.js';
import { type BatchSizes, type Carried, PROBE, productOf } from './sizes.js';
import type { SizeEditor } from './size-editor.js';

/**
 * Reshape(x, [1, 2, 4, 4, 4]) of x [N,8,4,4] -> Reshape(x, [-1, 2, 4, 4, 4]): the axis of the result that holds the batch is found by its stride, and becomes
 * -1, or 0 (a copy of the input's) where another axis is -1 already.
 */
export function reshapeWithBatch(node: Node, sizes: BatchSizes, edit: SizeEditor): void {
  if (!node.is(Reshape)) return;
  const { x, shape } = node.in;
  const [carried, was, now] = [sizes.carried(x), sizes.was(node.out.y), shapeOf(x)];
  const wanted = vectorOf(shape, (v) => intsOf(v, sizes.known));
  if (!carried || !was || !now || wanted?.length !== was.length) return;
  const copies = node.attr.allowzero === 0;
  const given = shapeGiven(now, wanted, !copies);
  const places = placesFor(sizes.was(x) ?? [], carried, was, sizes.batch);
  const place = choose(places, { was, given, wanted, isComputed: !constantOf(shape), carried, batch: sizes.batch });
  if (!place) return;
  const { axis } = place;
  sizes.setStep(node.out.y, place.step);
  if (given?.[axis] === grown(was[axis])) return;
  const expected = was.with(axis, grown(was[axis]));
  const hole = wanted.indexOf(-1);
  const elsewhere = hole >= 0 && hole !== axis;
  if (copies && elsewhere && now[axis] === expected[axis])
    edit.setEntries(node, 1, shape, wanted, new Map([[axis, 0]]));
  else if (!elsewhere) edit.setEntries(node, 1, shape, wanted, new Map([[axis, -1]]));
  else {
    const size = expected[hole];
    const entries = new Map([[axis, -1]]);
    if (typeof size === 'number') edit.setEntries(node, 1, shape, wanted, entries.set(hole, size));
  }
}

const grown = (d: Dim): Dim => (typeof d === 'number' ? d * PROBE : d);

/** What the shape that the file asks for gives at the larger batch; undefined when it does not fit. */
function shapeGiven(input: Shape, wanted: readonly Dim[], allowZero: boolean): Shape | undefined {
  try {
    return reshaped(input, wanted, allowZero);
  } catch {
    return undefined;
  }
}

/** An axis of the result that could hold the batch, by its stride. */
interface Place {
  readonly axis: number;
  readonly size: number;
  /** Entries of the axis from one sample to the next. */
  readonly step: number;
}

function placesFor(input: Shape, { axis, step }: Carried, was: Shape, batch: number): readonly Place[] {
  const inner = productOf(input.slice(axis + 1));
  // Sizes that are not known behind the batch: it can only stay in front.
  if (inner === undefined) {
    const [size] = was;
    return axis === 0 && typeof size === 'number' && size % batch === 0 ? [{ axis: 0, size, step: size / batch }] : [];
  }
  const stride = step * inner;
  return was.flatMap((size, at) => {
    const inside = productOf(was.slice(at + 1));
    if (typeof size !== 'number' || inside === undefined || inside === 0 || stride % inside !== 0) return [];
    return size % ((stride / inside) * batch) === 0 ? [{ axis: at, size, step: stride / inside }] : [];
  });
}

interface Question {
  readonly was: Shape;
  /** What comes out at the larger batch as the file stands. */
  readonly given: Shape | undefined;
  readonly wanted: readonly Dim[];
  /** Whether the file computes the shape, and so may know the batch. */
  readonly isComputed: boolean;
  readonly carried: Carried;
  readonly batch: number;
}

/** The place that the batch ought to have: the one that the file gives it, unless a constant says the batch elsewhere. */
function choose(places: readonly Place[], q: Question): Place | undefined {
  const { was, given, wanted, carried, batch } = q;
  const grew = given?.flatMap((d, i) => (d === was[i] ? [] : [i])) ?? [];
  const followed =
    grew.length === 1 ? places.find((p) => p.axis === grew[0] && given?.[p.axis] === grown(p.size)) : undefined;
  if (followed && q.isComputed) return followed;
  const says = (size: number): Place | undefined => {
    const found = places.filter(
      (p) => p.size === size && p.step * batch === p.size && (wanted[p.axis] !== -1 || p === followed),
    );
    return found.find((p) => p.axis === carried.axis) ?? found[0];
  };
  // The last axis holds features: the batch goes there last.
  const isFeatures = (p: Place): boolean => p.axis === was.length - 1;
  const whole = places.filter((p) => p.step * batch === p.size);
  return (
    says(batch) ??
    followed ??
    says(batch * carried.per) ??
    whole.find((p) => !isFeatures(p)) ??
    places.find((p) => !isFeatures(p)) ??
    places[0]
  );
}
