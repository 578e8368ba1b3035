import { CnnxError } from '../base/errors.js';
import { cloneModel } from '../graph/clone.js';
import type { Model } from '../graph/ir.js';
import type { ValueType } from '../graph/types.js';
import { equalize } from '../passes/qdq/equalize.js';
import { inferAt, placeFor, quantize, type Quantized, type Recipe } from '../passes/qdq/quantize.js';
import type { Trim } from '../passes/qdq/ranges.js';
import { COVARIANCE_IMAGES } from '../passes/qdq/inputs.js';
import { covarianceWatches, watchesFor } from '../passes/qdq/watches.js';
import { type Dataset, subset } from '../running/dataset.js';
import { observe, type Statistics } from '../running/observe.js';
import type { Runner } from '../running/runner.js';
import { type Measured, worstOf, type Yardstick } from '../verify/yardstick.js';

/** A quantised form of a model, and what it keeps of the float one's outputs. */
export interface Candidate {
  readonly recipe: Recipe;
  readonly equalized: boolean;
  readonly quantized: Quantized;
  readonly measured: Measured;
}

/** Images whose ends are left out as outliers, as they are tried. */
const TRIMS: readonly Trim[] = [0, 1, 3];

/** Examples on which single layers are tried in float: their order matters, not their decibels. */
const RANKING_EXAMPLES = 16;

/** More layers than this share in float, and the model is hardly quantised. */
const MOST_FLOAT = 1 / 3;

interface Form {
  readonly model: Model;
  readonly statistics: Statistics;
}

/** Makes quantised forms of one prepared float model and measures them on data that were held back. */
export class Search {
  readonly #forms: Form[] = [];

  constructor(
    readonly inputs: ReadonlyMap<string, ValueType>,
    readonly base: Pick<Recipe, 'activations' | 'safe'>,
    readonly runner: Runner,
    readonly onProgress: (text: string) => void,
  ) {}

  /** Runs the float model over the calibration data. Throws `quantize/nothing`. */
  async observe(float: Model, data: Dataset): Promise<void> {
    const placement = placeFor(float, { float: new Set(), activations: this.base.activations });
    if (!placement.units.some((u) => u.kind === 'weighted'))
      throw new CnnxError('quantize/nothing', 'the model has no convolution or matrix product that can be quantised', {
        hint: 'layers need constant float32 weights; cnnx inspect lists them',
      });
    const start = performance.now();
    const ranges = await observe(float, watchesFor(placement), data, this.runner, (done, of) => {
      const left = Math.ceil(((performance.now() - start) / done) * (of - done) * 1e-3);
      this.onProgress(`calibrating: ${done} of ${of}, ${left} s left`);
    });
    const few = subset(data, firstOf(data.count, COVARIANCE_IMAGES));
    const products = await observe(float, covarianceWatches(placement), few, this.runner);
    const statistics = new Map(
      Array.from(ranges, ([name, seen]) => [name, { ...seen, products: products.get(name)?.products }] as const),
    );
    const equal = cloneModel(float);
    inferAt(equal, this.inputs);
    const scaled = equalize(
      equal,
      placeFor(equal, { float: new Set(), activations: this.base.activations }),
      statistics,
    );
    this.#forms.push({ model: equal, statistics: scaled }, { model: float, statistics });
  }

  /** The form with the best signal of those tried: layers equalised or not, outliers left out or not, roundings compensated or not. */
  async best(yardstick: Yardstick): Promise<Candidate> {
    const common = { ...this.base, correctBiases: true, float: new Set<string>() };
    let best = await this.#try(0, { ...common, trim: 0, compensate: true }, yardstick);
    const better = async (form: 0 | 1, recipe: Recipe): Promise<void> => {
      const other = await this.#try(form, recipe, yardstick);
      if (worstOf(other.measured.sqnr) > worstOf(best.measured.sqnr)) best = other;
    };
    await better(0, { ...best.recipe, compensate: false });
    await better(1, best.recipe);
    for (const trim of TRIMS.slice(1)) await better(best.equalized ? 0 : 1, { ...best.recipe, trim });
    return best;
  }

  /**
   * Lets layers stay float, those first that gain most signal for the time they lose, until `holds` is content or too many are float. Gives the first form
   * that holds, or the best there was.
   */
  async untilHolds(
    start: Candidate,
    yardstick: Yardstick,
    holds: (c: Candidate) => Promise<boolean>,
  ): Promise<Candidate> {
    if (await holds(start)) return start;
    const order = await this.#ranking(start, yardstick);
    let best = start;
    const float = new Set(start.recipe.float);
    for (const name of order.slice(0, Math.ceil(order.length * MOST_FLOAT))) {
      float.add(name);
      const next = await this.#try(start.equalized ? 0 : 1, { ...start.recipe, float: new Set(float) }, yardstick);
      if (worstOf(next.measured.sqnr) > worstOf(best.measured.sqnr)) best = next;
      if (await holds(next)) return next;
    }
    return best;
  }

  /** Layers by what each alone gains in float, in decibels, for its share of the multiplications. */
  async #ranking(start: Candidate, yardstick: Yardstick): Promise<readonly string[]> {
    const few = yardstick.on(subset(yardstick.data, firstOf(yardstick.data.count, RANKING_EXAMPLES)));
    const form = start.equalized ? 0 : 1;
    const base = await this.#try(form, start.recipe, few);
    const ranked: { name: string; worth: number }[] = [];
    const layers = start.quantized.layers;
    const total = layers.reduce((n, l) => n + l.work, 0);
    for (const [i, { node, work }] of layers.entries()) {
      this.onProgress(`ranking layers: ${i + 1} of ${layers.length}`);
      const one = await this.#try(form, { ...start.recipe, float: new Set([node]) }, few);
      const gain = worstOf(one.measured.sqnr) - worstOf(base.measured.sqnr);
      if (gain > 0) ranked.push({ name: node, worth: gain / (work / total + 1 / layers.length) });
    }
    return ranked.sort((a, b) => b.worth - a.worth).map((r) => r.name);
  }

  async #try(form: number, recipe: Recipe, yardstick: Yardstick): Promise<Candidate> {
    const { model, statistics } = this.#forms[form] ?? {};
    if (!model || !statistics) throw new Error('bug: nothing was observed');
    const quantized = quantize(model, this.inputs, statistics, recipe);
    const measured = await yardstick.measure(quantized.model, (done) =>
      this.onProgress(`measuring: ${done} of ${yardstick.data.count}`),
    );
    return { recipe, equalized: form === 0, quantized, measured };
  }

  /** The float model that a candidate was made of: it computes what the original does. */
  floatOf = (candidate: Candidate): Model | undefined => this.#forms[candidate.equalized ? 0 : 1]?.model;
}

const firstOf = (count: number, most: number): number[] => Array.from({ length: Math.min(count, most) }, (_, i) => i);
