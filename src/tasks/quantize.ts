import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import { chunkSize } from '../base/bytes.js';
import { exportOnnx } from '../export/onnx.js';
import type { Model } from '../graph/ir.js';
import { tensorType } from '../graph/types.js';
import { fuse } from '../passes/fuse.js';
import { convertOpset } from '../passes/opset/convert.js';
import { prepare } from '../passes/qdq/prepare.js';
import { inferAt, type Quantized } from '../passes/qdq/quantize.js';
import type { Dataset } from '../running/dataset.js';
import { evaluator } from '../running/evaluate.js';
import type { Runner, StartRunner } from '../running/runner.js';
import { split } from './quantize-data.js';
import { withoutIntegerKernel } from './quantize-kernels.js';
import { layerSignals } from '../verify/layer-signals.js';
import { type Measured, worstOf, Yardstick } from '../verify/yardstick.js';
import { Search } from './quantize-search.js';
import { leastTimes } from './quantize-speed.js';
import { type Target, targetOf } from './quantize-targets.js';
import { dataWarnings } from './quantize-warnings.js';

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
    readonly equalized: boolean;
    readonly compensated: boolean;
  };
}

const SAMPLES = 256;

/** Examples on which single layers are compared. */
const LAYER_EXAMPLES = 4;

/**
 * A model in int8, measured before it is kept. Throws `quantize/target`, `quantize/nothing` for a model without layers that integer kernels compute, and what
 * running models throws.
 */
export async function quantizeModel(original: Model, options: QuantizeOptions): Promise<QuantizeResult> {
  const { runner, startRunner, onProgress = () => {}, seed = 0 } = options;
  const target = targetOf(options.target ?? 'cpu');
  const { calibration, heldBack, same } = split(options.calibration, options.samples ?? SAMPLES, seed);
  const first = await calibration.item(0);
  const inputs = new Map(Array.from(first.feeds, ([name, t]) => [name, tensorType(t.dtype, t.shape)] as const));
  const warnings: string[] = [];
  onProgress('fusing');
  const { model: float, raised } = newEnough(original);
  if (raised) warnings.push(raised);
  inferAt(float, inputs);
  if (options.random) warnings.push('calibrated on random numbers: ranges of real images differ, and so will accuracy');
  else warnings.push(...(await dataWarnings(float, calibration, runner)));
  if (options.fuse !== false) await fuse(float, { evaluate: evaluator(runner) });
  inferAt(float, inputs);
  prepare(float);
  const base = { activations: target.activations, safe: options.safe !== false };
  const search = new Search(inputs, base, runner, onProgress);
  await search.observe(float, calibration);
  if (same) warnings.push('there are too few examples to hold some back: measured on those it was calibrated with');
  const yardstick = new Yardstick(original, heldBack, runner);
  const evaluation = options.evaluation && yardstick.on(options.evaluation);
  const best = await search.untilHolds(await search.best(yardstick), yardstick, async (c) => {
    if (options.minSqnr !== undefined && worstOf(c.measured.sqnr) < options.minSqnr) return false;
    if (options.maxDrop === undefined || !evaluation) return true;
    return dropOf(await evaluation.measure(c.quantized.model)) <= options.maxDrop;
  });
  const measured = evaluation ? await evaluation.measure(best.quantized.model) : best.measured;

  onProgress('looking at layers');
  const signals = await layerSignals(
    search.floatOf(best) ?? float,
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
    measured,
    layers: layerReports(best.quantized, signals),
    overflow: overflowOf(best.quantized),
    islands,
    warnings,
    calibration: {
      images: calibration.count,
      heldBack: heldBack.count,
      data: options.calibration.description,
      trimmed: best.recipe.trim,
      equalized: best.equalized,
      compensated: best.recipe.compensate,
    },
  };
  const reason = reasonNot(result, options);
  const done = reason === undefined ? result : { ...result, reason };
  describe(done, options);
  return done;
}

/** Per-channel scales are from opset 13 on. */
const LEAST_OPSET = 13;

/** A copy of a model, in opset 13 where it is older. Throws `opset/refused` with the nodes that have no form there. */
function newEnough(model: Model): { readonly model: Model; readonly raised?: string } {
  const opset = model.opset('') ?? LEAST_OPSET;
  if (opset >= LEAST_OPSET) return { model: cloneModel(model) };
  return {
    model: convertOpset(model, LEAST_OPSET).model,
    raised: `the model was in opset ${opset} and is in ${LEAST_OPSET} now: scales of channels need it`,
  };
}

/** Points of top-1 that were lost. */
const dropOf = ({ top1 }: Measured): number => (top1 ? top1.float.percent - top1.int8.percent : 0);

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
  const drop = dropOf(measured);
  if (maxDrop !== undefined && drop > maxDrop)
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
