import { CnnxError } from '../base/errors.js';
import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import { chunkSize } from '../base/bytes.js';
import { exportOnnx } from '../export/onnx.js';
import type { Model } from '../graph/ir.js';
import { tensorType, type ValueType } from '../graph/types.js';
import { fuse } from '../passes/fuse.js';
import { equalize } from '../passes/qdq/equalize.js';
import { prepare } from '../passes/qdq/prepare.js';
import { inferAt, placeFor, quantize, type Quantized, type Recipe } from '../passes/qdq/quantize.js';
import type { Trim } from '../passes/qdq/ranges.js';
import { watchesFor } from '../passes/qdq/watches.js';
import type { Dataset } from '../running/dataset.js';
import { evaluator } from '../running/evaluate.js';
import { observe, type Statistics } from '../running/observe.js';
import type { Runner, StartRunner } from '../running/runner.js';
import { split } from './quantize-data.js';
import { withoutIntegerKernel } from './quantize-kernels.js';
import { layerSignals } from './quantize-layers.js';
import { type Measured, worstOf, Yardstick } from './quantize-measure.js';
import { leastTimes } from './quantize-speed.js';
import { type Target, targetOf } from './quantize-targets.js';

export interface QuantizeOptions {
  readonly runner: Runner;
  readonly startRunner: StartRunner;
  readonly calibration: Dataset;
  /** Whether those are random numbers, which fit no model. */
  readonly random?: boolean | undefined;
  /** Examples with labels: accuracy is measured on them. */
  readonly evaluation?: Dataset | undefined;
  /** How many examples to calibrate with; 256 if absent. */
  readonly samples?: number | undefined;
  readonly seed?: number | undefined;
  /** What runs the result; 'cpu' if absent. */
  readonly target?: Target | undefined;
  /** Merge what is linear first; true if absent. */
  readonly fuse?: boolean | undefined;
  /** Weights that cannot overflow int16 on x86 without VNNI; true if absent. */
  readonly safe?: boolean | undefined;
  /** Least signal-to-noise ratio of every output, in decibels: layers stay float until it holds. */
  readonly minSqnr?: number | undefined;
  /** Most points of top-1 accuracy that may be lost on the evaluation data. */
  readonly maxDrop?: number | undefined;
  /** Threads for the measurement of speed; 1 if absent. */
  readonly threads?: number | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

export interface LayerReport {
  readonly name: string;
  readonly op: string;
  /** Of its output, in decibels; null where the rounding cannot be measured. */
  readonly sqnr: number | null;
  /** Why it stays float. */
  readonly float?: string | undefined;
}

export interface QuantizeResult {
  readonly model: Model;
  readonly float: { readonly bytes: number; readonly ms: number | null };
  readonly int8: { readonly bytes: number; readonly ms: number | null };
  readonly ratio: { readonly latency: number | null; readonly bytes: number };
  readonly measured: Measured;
  readonly layers: readonly LayerReport[];
  readonly overflow: { readonly proven: boolean; readonly bits: number };
  /** Layers that onnxruntime runs by no integer kernel, though their weights are integers. */
  readonly islands: readonly string[];
  /** Why the model is not worth keeping. */
  readonly reason?: string | undefined;
  readonly warnings: readonly string[];
  readonly calibration: {
    readonly images: number;
    readonly heldBack: number;
    readonly data: string;
    readonly trimmed: number;
  };
}

const SAMPLES = 256;

/** Images whose ends are left out as outliers, as they are tried. */
const TRIMS: readonly Trim[] = [0, 1, 3, 7];

/** Examples on which single layers are compared. */
const LAYER_EXAMPLES = 4;

/**
 * A model in int8, measured before it is kept. Throws `quantize/target`, `quantize/nothing` for a model without layers that integer kernels compute, and what
 * running models throws.
 */
export async function quantizeModel(original: Model, options: QuantizeOptions): Promise<QuantizeResult> {
  const { runner, startRunner, onProgress = () => {}, seed = 0 } = options;
  const target = targetOf(options.target ?? 'cpu');
  const warnings: string[] = [];
  const { calibration, heldBack, same } = split(options.calibration, options.samples ?? SAMPLES, seed);
  const first = await calibration.item(0);
  const inputs = new Map(Array.from(first.feeds, ([name, t]) => [name, tensorType(t.dtype, t.shape)] as const));
  onProgress('fusing');
  const float = cloneModel(original);
  if (options.fuse !== false) await fuse(float, { evaluate: evaluator(runner) });
  inferAt(float, inputs);
  prepare(float);
  const work = new Workshop(float, inputs, options, target.activations);
  const statistics = await work.observe(calibration, (text) => onProgress(text));
  const yardstick = new Yardstick(original, options.evaluation ?? heldBack, runner);
  const best = await work.best(statistics, yardstick);
  if (same) warnings.push('there are too few examples to hold some back: measured on those it was calibrated with');
  if (options.random) warnings.push('calibrated on random numbers: ranges of real images differ, and so will accuracy');

  onProgress('looking at layers');
  const signals = await layerSignals(
    float,
    best.quantized.model,
    best.quantized.layers.map((l) => l.output),
    { ...heldBack, count: Math.min(LAYER_EXAMPLES, heldBack.count) },
    runner,
  );
  const measures = target.measured;
  const islands = measures ? await withoutIntegerKernel(best.quantized.model, first.feeds, runner) : [];
  for (const name of islands) warnings.push(`onnxruntime does not run ${name} by an integer kernel`);
  onProgress('measuring speed');
  const [msFloat = null, msInt8 = null] = measures
    ? await leastTimes([original, best.quantized.model], first.feeds, { startRunner, threads: options.threads ?? 1 })
    : [];
  const bytes = { float: fileBytes(original), int8: fileBytes(best.quantized.model) };
  const latency = msFloat === null || msInt8 === null ? null : msInt8 / msFloat;
  const result = {
    model: best.quantized.model,
    float: { bytes: bytes.float, ms: msFloat },
    int8: { bytes: bytes.int8, ms: msInt8 },
    ratio: { latency, bytes: bytes.int8 / bytes.float },
    measured: best.measured,
    layers: layerReports(best.quantized, signals),
    overflow: overflowOf(best.quantized),
    islands,
    warnings,
    calibration: {
      images: calibration.count,
      heldBack: heldBack.count,
      data: options.calibration.description,
      trimmed: best.recipe.trim,
    },
  };
  const reason = reasonNot(result, options);
  const done = reason === undefined ? result : { ...result, reason };
  describe(done, options);
  return done;
}

interface Candidate {
  readonly recipe: Recipe;
  readonly quantized: Quantized;
  readonly measured: Measured;
}

/** Makes quantised forms of one prepared float model. */
class Workshop {
  constructor(
    readonly float: Model,
    readonly inputs: ReadonlyMap<string, ValueType>,
    readonly options: QuantizeOptions,
    readonly activations: Recipe['activations'],
  ) {}

  async observe(data: Dataset, progress: (text: string) => void): Promise<Statistics> {
    const placement = placeFor(this.float, { float: new Set(), activations: this.activations });
    if (!placement.units.some((u) => u.kind === 'weighted'))
      throw new CnnxError('quantize/nothing', 'the model has no convolution or matrix product that can be quantised', {
        hint: 'layers need constant float32 weights; cnnx inspect lists them',
      });
    const start = performance.now();
    const statistics = await observe(this.float, watchesFor(placement), data, this.options.runner, (done, of) => {
      const left = Math.ceil(((performance.now() - start) / done) * (of - done) * 1e-3);
      progress(`calibrating: ${done} of ${of}, ${left} s left`);
    });
    return equalize(this.float, placement, statistics);
  }

  /** The form with the best signal, of those tried. */
  async best(statistics: Statistics, yardstick: Yardstick): Promise<Candidate> {
    const base: Recipe = {
      activations: this.activations,
      safe: this.options.safe !== false,
      trim: 0,
      correctBiases: true,
      compensate: true,
      float: new Set(),
    };
    const tries: readonly Recipe[] = TRIMS.map((trim) => ({ ...base, trim }));
    let best: Candidate | undefined;
    for (const recipe of tries) {
      const quantized = quantize(this.float, this.inputs, statistics, recipe);
      const measured = await yardstick.measure(quantized.model, (done) =>
        this.options.onProgress?.(`measuring: ${done} of ${yardstick.data.count}`),
      );
      if (!best || worstOf(measured.sqnr) > worstOf(best.measured.sqnr)) best = { recipe, quantized, measured };
    }
    if (!best) throw new Error('bug: nothing was tried');
    return best;
  }
}

/** What a model takes as a file, or as two with its weights in a side file. Nothing is read or made for it. */
function fileBytes(model: Model): number {
  const { model: main, external = [] } = exportOnnx(model, { externalData: { file: 'weights' } });
  return [...main, ...external].reduce((n, c) => n + chunkSize(c), 0);
}

function layerReports(quantized: Quantized, signals: ReadonlyMap<string, number>): readonly LayerReport[] {
  const reports = quantized.layers.map((l): LayerReport => {
    const sqnr = signals.get(l.output);
    return { name: l.node, op: l.op, sqnr: sqnr !== undefined && Number.isFinite(sqnr) ? sqnr : null };
  });
  const left = quantized.left.map((l): LayerReport => ({ name: l.node, op: l.op, sqnr: null, float: l.reason }));
  return [...reports, ...left];
}

function overflowOf({ layers }: Quantized): QuantizeResult['overflow'] {
  const channels = layers.reduce((n, l) => n + l.channels, 0);
  const bits = layers.reduce((n, l) => n + l.bits * l.channels, 0);
  return { proven: layers.every((l) => l.proven), bits: channels === 0 ? 0 : bits / channels };
}

function reasonNot(result: QuantizeResult, { minSqnr, maxDrop }: QuantizeOptions): string | undefined {
  const { measured, ratio } = result;
  const sqnr = worstOf(measured.sqnr);
  if (minSqnr !== undefined && sqnr < minSqnr)
    return `the outputs keep ${sqnr.toFixed(1)} dB of signal over noise, less than the ${minSqnr} asked for`;
  const drop = measured.top1 && measured.top1.float.percent - measured.top1.int8.percent;
  if (maxDrop !== undefined && drop !== undefined && drop > maxDrop)
    return `top-1 falls by ${drop.toFixed(2)} points, more than the ${maxDrop} allowed`;
  if (ratio.latency !== null && ratio.latency >= 1)
    return `int8 does not pay here: it takes ${ratio.latency.toFixed(2)} of the time; keep float`;
  return undefined;
}

/** What a model carries of how it was made. */
function describe(result: QuantizeResult, options: QuantizeOptions): void {
  const { model, measured, overflow, calibration } = result;
  const value = JSON.stringify({
    target: options.target ?? 'cpu',
    ...calibration,
    random: options.random === true,
    sqnr: Object.fromEntries(measured.sqnr),
    agreement: measured.agreement,
    overflow,
    float: result.layers.filter((l) => l.float !== undefined).map((l) => ({ name: l.name, reason: l.float })),
  });
  const others = model.metadata.filter((m) => m.key !== 'cnnx.quantize');
  new Editor(model).setHeader({ metadata: [...others, { key: 'cnnx.quantize', value }] });
}
