import { rememberEdges } from '../../tensor/equal.js';
import { asFloat64, fromFloat64, lazyTensor, type Tensor } from '../../tensor/tensor.js';
import { isSkip, type Skip, skip } from '../rule.js';
import { type FloatType, type Form, nodesOf, rowScaledOf, tapsOf, type Term, UNIT_ROUNDOFF } from './form.js';
import { product } from './kernel.js';
import { swapChannels } from './lifts/conv.js';
import { scaledRows } from './scaled-rows.js';

/** Merged weights that are held in memory until they are written, 128 MiB in all: those of most networks. */
const KEPT_BYTES = 2 ** 27;

/**
 * The weights that one run of the algebra makes. They can take more than memory has; so beyond a limit they are made to be looked at, let go,
 * and made again, to the bit, when they are written.
 */
export class MergedWeights {
  #room = KEPT_BYTES;
  readonly #remade = new WeakSet<Tensor>();

  /** The weight of one window of a form as a tensor, or why its type cannot hold it. */
  weightOf(term: Term, type: FloatType, form: Form): Tensor | Skip {
    const { layout } = form;
    const scaled = scaledStored(term, type, layout);
    if (scaled) return scaled;
    const made = weightOf(term, type, layout);
    if (isSkip(made)) return made;
    // What is made again is made of what stands in files or is kept, so that making it stays one step.
    if (made.byteLength <= this.#room || this.#restsOnRemade(form)) {
      this.#room -= made.byteLength;
      return made;
    }
    const lazy = lazyTensor(made.dtype, made.shape, () => {
      const again = weightOf(term, type, layout);
      if (isSkip(again)) throw new Error(`bug: the weights were fit to store before, and now ${again.skip}`);
      return again.bytes();
    });
    rememberEdges(lazy, made);
    this.#remade.add(lazy);
    return lazy;
  }

  #restsOnRemade(form: Form): boolean {
    for (const { inputs } of nodesOf(form.path))
      if (inputs.some((v) => v?.initializer && this.#remade.has(v.initializer))) return true;
    return false;
  }
}

function layoutOf(term: Term, layout: 'first' | 'last'): readonly number[] {
  if (layout === 'last') return [term.inputs, term.outputs];
  if (term.transposed) return [term.inputs, term.outputs / term.groups, ...term.transposed.taps];
  return [term.outputs, term.inputs / term.groups, ...tapsOf(term)];
}

function arranged(term: Term, layout: 'first' | 'last'): Float64Array {
  const kernel = term.kernel();
  if (layout === 'last') return swapChannels(kernel, 1, term.outputs, term.inputs, 1);
  if (!term.transposed) return kernel;
  return swapChannels(
    kernel,
    term.groups,
    term.outputs / term.groups,
    term.inputs / term.groups,
    product(tapsOf(term)),
  );
}

/** A stored weight that was at most scaled: read from where it lies whenever it is wanted, and never held. */
function scaledStored(term: Term, type: FloatType, layout: 'first' | 'last'): Tensor | undefined {
  if (type !== 'float32' || layout === 'last' || term.transposed) return undefined;
  const stored = rowScaledOf(term);
  if (stored?.weight.dtype !== 'float32') return undefined;
  const factor = stored.factor ?? new Float64Array(term.outputs).fill(1);
  return scaledRows(stored.weight, factor, layoutOf(term, layout));
}

/** The weight of one window as a tensor, or why its type cannot hold it. */
const weightOf = (term: Term, type: FloatType, layout: 'first' | 'last'): Tensor | Skip =>
  rounded(type, layoutOf(term, layout), arranged(term, layout));

/** The numbers in the model's own type, or why that type cannot hold them. */
export function rounded(type: FloatType, shape: readonly number[], values: Float64Array): Tensor | Skip {
  const largest = magnitude(values);
  if (!Number.isFinite(largest)) return skip('merged-not-finite');
  const t = fromFloat64(type, shape, values);
  if (type === 'float64') return t;
  if (type === 'float32') return Number.isFinite(Math.fround(largest)) ? t : skip('merged-too-large');
  // A half type that stores the weights with a larger error (RMS over the tensor) than its rounding is out of its range.
  const stored = asFloat64(t);
  if (!Number.isFinite(magnitude(stored))) return skip('merged-too-large');
  return holds(UNIT_ROUNDOFF[type], stored, values) ? t : skip('merged-too-small');
}

/** The largest magnitude; NaN when a value is NaN. */
function magnitude(values: Float64Array): number {
  let largest = 0;
  let wrong = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] ?? 0;
    if (v > largest) largest = v;
    else if (-v > largest) largest = -v;
    wrong += v - v;
  }
  return largest + wrong;
}

/** Whether the RMS of the rounding errors is at most `limit` of that of the values. */
function holds(limit: number, stored: Float64Array, values: Float64Array): boolean {
  let error = 0;
  let size = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] ?? 0;
    error += ((stored[i] ?? 0) - v) ** 2;
    size += v * v;
  }
  return error <= limit * limit * size;
}
