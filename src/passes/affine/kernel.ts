/*
 * Kernels in float64. Layout: [outputs, inputs / groups, taps], taps flattened row-major over the spatial axes. Nothing allocates per element.
 */

export const product = (values: readonly number[]): number => values.reduce((n, v) => n * v, 1);

/** Multiplies row o (an output channel) by scale[o], in place. */
export function scaleRows(kernel: Float64Array, scale: Float64Array): Float64Array {
  const size = kernel.length / scale.length;
  for (let o = 0, i = 0; o < scale.length; o++) {
    const s = scale[o] ?? 0;
    for (const end = i + size; i < end; i++) kernel[i] = (kernel[i] ?? 0) * s;
  }
  return kernel;
}

/**
 * Multiplies what lies in row o by scale[o], in place: in float64, rounded once. Rows have `size` numbers; the kernel holds those from number `from` on. Gives
 * whether all of them are finite.
 */
export function scaleFloat32Rows(kernel: Float32Array, scale: Float64Array, size: number, from: number): boolean {
  let wrong = 0;
  for (let i = 0, o = Math.floor(from / size); i < kernel.length; o++) {
    const s = scale[o] ?? 0;
    for (const end = Math.min((o + 1) * size - from, kernel.length); i < end; i++) {
      const v = Math.fround((kernel[i] ?? 0) * s);
      kernel[i] = v;
      // 0 for what is finite, NaN for all else.
      wrong += v - v;
    }
  }
  return wrong === 0;
}

/** The same block-diagonal matrix in fewer, larger blocks. `to` divides `from`. */
export function regroup(
  kernel: Float64Array,
  outputs: number,
  inputs: number,
  taps: number,
  from: number,
  to: number,
): Float64Array {
  if (from === to) return kernel;
  const narrow = (inputs / from) * taps;
  const wide = (inputs / to) * taps;
  const out = new Float64Array(outputs * wide);
  for (let o = 0; o < outputs; o++) {
    const block = Math.floor((o * from) / outputs) % (from / to);
    out.set(kernel.subarray(o * narrow, (o + 1) * narrow), o * wide + block * narrow);
  }
  return out;
}

/** Puts the taps of every plane (one output, one input) from `starts` on, `steps` apart, inside a larger window of `shape`; zeros elsewhere. */
export function embed(
  kernel: Float64Array,
  taps: readonly number[],
  shape: readonly number[],
  starts: readonly number[],
  steps: readonly number[] = taps.map(() => 1),
): Float64Array {
  if (taps.every((n, i) => n === shape[i])) return kernel;
  const from = product(taps);
  const to = product(shape);
  const places = placesOf(taps, shape, starts, steps);
  const planes = kernel.length / from;
  const out = new Float64Array(planes * to);
  for (let p = 0; p < planes; p++)
    for (let t = 0; t < from; t++) out[p * to + (places[t] ?? 0)] = kernel[p * from + t] ?? 0;
  return out;
}

/** Where tap t of a window of `taps` lies, flattened, in one of `shape`: at starts + steps * t on each axis. */
function placesOf(
  taps: readonly number[],
  shape: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
): Int32Array {
  const out = new Int32Array(product(taps));
  for (let flat = 0; flat < out.length; flat++) {
    let rest = flat;
    let place = 0;
    let unit = 1;
    for (let axis = taps.length - 1; axis >= 0; axis--) {
      const n = taps[axis] ?? 1;
      place += ((starts[axis] ?? 0) + (steps[axis] ?? 1) * (rest % n)) * unit;
      rest = Math.floor(rest / n);
      unit *= shape[axis] ?? 1;
    }
    out[flat] = place;
  }
  return out;
}

/** a + b, into a. */
export function addInto(a: Float64Array, b: Float64Array): Float64Array {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] ?? 0) + (b[i] ?? 0);
  return a;
}

export interface Plain {
  readonly kernel: Float64Array;
  readonly outputs: number;
  readonly inputs: number;
  readonly groups: number;
  readonly taps: readonly number[];
}

export interface Steps {
  /** The window of the result. */
  readonly taps: readonly number[];
  readonly outer: readonly number[];
  readonly inner: readonly number[];
}

/** How many blocks the composition of two grouped kernels has. */
export const composedGroups = (outer: { readonly groups: number }, inner: { readonly groups: number }): number => {
  let [a, b] = [outer.groups, inner.groups];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
};

/** The kernel of outer(inner(x)), in `composedGroups` blocks: tap t of the outer and u of the inner meet at outerStep * t + innerStep * u. */
export function composeKernels(outer: Plain, inner: Plain, steps: Steps): Float64Array {
  const zero = steps.taps.map(() => 0);
  const outerPlaces = placesOf(outer.taps, steps.taps, zero, steps.outer);
  const innerPlaces = placesOf(inner.taps, steps.taps, zero, steps.inner);
  const size = product(steps.taps);
  if (isDepthwise(inner)) return composeColumns(outer, inner, outerPlaces, innerPlaces, size);
  if (isDepthwise(outer)) return composeRows(outer, inner, outerPlaces, innerPlaces, size);
  const groups = composedGroups(outer, inner);
  return composeDense({
    a: regroup(outer.kernel, outer.outputs, outer.inputs, outerPlaces.length, outer.groups, groups),
    b: regroup(inner.kernel, inner.outputs, inner.inputs, innerPlaces.length, inner.groups, groups),
    outputs: outer.outputs,
    middle: inner.outputs / groups,
    inputs: inner.inputs / groups,
    groups,
    outerPlaces,
    innerPlaces,
    size,
  });
}

/** One input and one output channel a group. */
const isDepthwise = (k: Plain): boolean => k.groups === k.inputs && k.inputs === k.outputs;

function composeColumns(
  outer: Plain,
  inner: Plain,
  outerPlaces: Int32Array,
  innerPlaces: Int32Array,
  size: number,
): Float64Array {
  const width = outer.inputs / outer.groups;
  const rows = outer.outputs / outer.groups;
  const out = new Float64Array(outer.outputs * width * size);
  for (let o = 0; o < outer.outputs; o++) {
    const first = Math.floor(o / rows) * width;
    for (let i = 0; i < width; i++) {
      const plane = o * width + i;
      accumulate(out, plane * size, {
        a: outer.kernel,
        fromA: plane * outerPlaces.length,
        b: inner.kernel,
        fromB: (first + i) * innerPlaces.length,
        outerPlaces,
        innerPlaces,
      });
    }
  }
  return out;
}

function composeRows(
  outer: Plain,
  inner: Plain,
  outerPlaces: Int32Array,
  innerPlaces: Int32Array,
  size: number,
): Float64Array {
  const width = inner.inputs / inner.groups;
  const out = new Float64Array(inner.outputs * width * size);
  for (let o = 0; o < inner.outputs; o++) {
    for (let i = 0; i < width; i++) {
      const plane = o * width + i;
      accumulate(out, plane * size, {
        a: outer.kernel,
        fromA: o * outerPlaces.length,
        b: inner.kernel,
        fromB: plane * innerPlaces.length,
        outerPlaces,
        innerPlaces,
      });
    }
  }
  return out;
}

/** One plane (one output, one input) of each of two kernels: `a` from `fromA` on, `b` from `fromB` on. */
interface Planes extends Pick<DensePair, 'a' | 'b' | 'outerPlaces' | 'innerPlaces'> {
  readonly fromA: number;
  readonly fromB: number;
}

/** out[at + place(t) + place(u)] += a[t] * b[u] over the taps of one plane each. */
function accumulate(out: Float64Array, at: number, planes: Planes): void {
  const { a, fromA, b, fromB, outerPlaces, innerPlaces } = planes;
  for (let t = 0; t < outerPlaces.length; t++) {
    const x = a[fromA + t] ?? 0;
    const place = at + (outerPlaces[t] ?? 0);
    for (let u = 0; u < innerPlaces.length; u++) {
      const i = place + (innerPlaces[u] ?? 0);
      out[i] = (out[i] ?? 0) + x * (b[fromB + u] ?? 0);
    }
  }
}

/** Two kernels with the same number of groups, and where the taps of their composition lie. */
interface DensePair {
  /** The outer kernel: [outputs, middle, taps]. */
  readonly a: Float64Array;
  /** The inner kernel: [groups * middle, inputs, taps]. */
  readonly b: Float64Array;
  readonly outputs: number;
  /** Channels between the two, and inputs of the inner kernel, for each group. */
  readonly middle: number;
  readonly inputs: number;
  readonly groups: number;
  /** Where each tap of the outer and of the inner kernel lies, flattened, in a result of `size` taps. */
  readonly outerPlaces: Int32Array;
  readonly innerPlaces: Int32Array;
  readonly size: number;
}

/** A matrix product for each group and pair of taps, in rows of [inputs] for the inner loop. */
function composeDense(pair: DensePair): Float64Array {
  const { a, b, outputs, middle, inputs, groups, outerPlaces, innerPlaces, size } = pair;
  const tapsA = outerPlaces.length;
  const tapsB = innerPlaces.length;
  const perGroup = outputs / groups;
  // b as [group, tap, middle, inputs], so that the inner loop runs along memory.
  const rows = new Float64Array(b.length);
  for (let m = 0; m < groups * middle; m++) {
    const g = Math.floor(m / middle);
    for (let i = 0; i < inputs; i++)
      for (let u = 0; u < tapsB; u++)
        rows[((g * tapsB + u) * middle + (m % middle)) * inputs + i] = b[(m * inputs + i) * tapsB + u] ?? 0;
  }
  const out = new Float64Array(outputs * inputs * size);
  const sum = new Float64Array(inputs);
  for (let o = 0; o < outputs; o++) {
    const g = Math.floor(o / perGroup);
    for (let t = 0; t < tapsA; t++) {
      for (let u = 0; u < tapsB; u++) {
        sum.fill(0);
        for (let m = 0; m < middle; m++) {
          const x = a[(o * middle + m) * tapsA + t] ?? 0;
          const row = ((g * tapsB + u) * middle + m) * inputs;
          for (let i = 0; i < inputs; i++) sum[i] = (sum[i] ?? 0) + x * (rows[row + i] ?? 0);
        }
        const place = (outerPlaces[t] ?? 0) + (innerPlaces[u] ?? 0);
        for (let i = 0; i < inputs; i++) {
          const at = (o * inputs + i) * size + place;
          out[at] = (out[at] ?? 0) + (sum[i] ?? 0);
        }
      }
    }
  }
  return out;
}

/** What a per-channel constant below a kernel becomes above it, where no window looks outside: each output gets its row's sum of weight times constant. */
export function throughKernel(k: Plain, constant: Float64Array): Float64Array {
  const taps = product(k.taps);
  const width = k.inputs / k.groups;
  const rows = k.outputs / k.groups;
  const out = new Float64Array(k.outputs);
  for (let o = 0; o < k.outputs; o++) {
    const first = Math.floor(o / rows) * width;
    let sum = 0;
    for (let i = 0; i < width; i++) {
      let plane = 0;
      for (let t = 0; t < taps; t++) plane += k.kernel[(o * width + i) * taps + t] ?? 0;
      sum += plane * (constant[first + i] ?? 0);
    }
    out[o] = sum;
  }
  return out;
}
