import { constantTensor, type Model, type Value } from '../graph/ir.js';
import { isTensorType } from '../graph/types.js';
import { batchNorm } from '../ops/index.js';
import { type Dataset, subset } from '../running/dataset.js';
import { observe, windowKey } from '../running/observe.js';
import type { Runner } from '../running/runner.js';
import { asFloat64, fromFloat64, type Tensor } from '../tensor/tensor.js';

/** A model says in its BatchNormalizations what it was trained on: the first few are close enough to the image to tell how it was prepared. */
const NORMS = 3;
const EXAMPLES = 32;

/** Fewer images leave ends of ranges to chance. */
const FEW = 16;

/** Distances of means, in standard deviations, and factors between variances, that images like those of training do not reach. */
const MOST_DISTANCE = 0.5;
const MOST_FACTOR = 2;

/** How much nearer with the colours in the other order. */
const NEARER = 0.8;

/** Numbers that a normalised image does not have, whatever its mean and deviation. */
const MOST_DEVIATION = 8;
const MOST_MEAN = 8;

/** Neighbouring pixels of photographs, drawings and digits go together; those of noise do not. */
const LEAST_CORRELATION = 0.3;

/** What is wrong with calibration data, as far as the model itself tells. */
export async function dataWarnings(model: Model, data: Dataset, runner: Runner): Promise<readonly string[]> {
  const warnings: string[] = [];
  if (data.count < FEW)
    warnings.push(
      `ranges come from ${data.count} image${data.count === 1 ? '' : 's'}: real ones will go beyond; some hundred are better`,
    );
  const few = subset(
    data,
    Array.from({ length: Math.min(data.count, EXAMPLES) }, (_, i) => i),
  );
  warnings.push(...(await pixelWarnings(few)));
  const own = await normDistance(model, few, runner);
  if (!own) return warnings;
  const swapped = own.images && (await normDistance(model, blueFirst(few), runner));
  if (swapped && swapped.mean < NEARER * own.mean)
    warnings.push(
      `the images fit the statistics in the model better with their colours in the other order (${swapped.mean.toFixed(2)} standard deviations from its means instead of ${own.mean.toFixed(2)}): see --channels`,
    );
  else if (own.mean > MOST_DISTANCE || own.factor > MOST_FACTOR)
    warnings.push(
      `the images are not like those the model was trained on: after its first layers, means are ${own.mean.toFixed(2)} standard deviations and variances a factor of ${own.factor.toFixed(1)} from those of training; check --mean, --std, --scale and --resize`,
    );
  return warnings;
}

interface Distance {
  readonly mean: number;
  readonly factor: number;
  /** Whether inputs are images of three colours. */
  readonly images: boolean;
}

/** How far what comes into the first normalisations is from their running statistics. Undefined for a model without any. */
async function normDistance(model: Model, data: Dataset, runner: Runner): Promise<Distance | undefined> {
  const norms = [...model.graph.nodes()].flatMap((node) => {
    const norm = batchNorm(node);
    const mean = norm && constantTensor(norm.mean);
    const variance = norm && constantTensor(norm.variance);
    const made = norm?.x.producer !== undefined && isTensorType(norm.x.type);
    return norm && mean && variance && made && !norm.training ? [{ x: norm.x, mean, variance }] : [];
  });
  if (norms.length === 0) return undefined;
  const first = norms.slice(0, NORMS);
  const watches = first.map(({ x }) => ({ value: x.name, windows: [[]], power: true }));
  const seen = await observe(model, watches, data, runner);
  let [distance, logs, count] = [0, 0, 0];
  for (const { x, mean, variance } of first) {
    const statistics = seen.get(x.name);
    const means = statistics?.taps.get(windowKey([]));
    const [m, v] = [asFloat64(mean), asFloat64(variance)];
    means?.forEach((observed, c) => {
      const expected = Math.max(v[c] ?? 0, 1e-12);
      distance += (observed - (m[c] ?? 0)) ** 2 / expected;
      const own = Math.max((statistics?.power?.[c] ?? 0) - observed ** 2, 1e-12);
      logs += Math.abs(Math.log(own / expected));
      count += 1;
    });
  }
  if (count === 0) return undefined;
  return {
    mean: Math.sqrt(distance / count),
    factor: Math.exp(logs / count),
    images: model.graph.inputs.some(isColour),
  };
}

const isColour = (value: Value): boolean =>
  isTensorType(value.type) && value.type.shape?.length === 4 && value.type.shape[1] === 3;

const isPlanes = (t: Tensor): boolean => t.dtype === 'float32' && t.shape.length === 4;

function blueFirst(data: Dataset): Dataset {
  const turn = (t: Tensor): Tensor => {
    if (!isPlanes(t) || t.shape[1] !== 3) return t;
    const [n = 0, , h = 0, w = 0] = t.shape;
    const plane = h * w;
    const values = asFloat64(t);
    const out = values.map((_, i) => values[i + plane * (2 - 2 * (Math.floor(i / plane) % 3))] ?? 0);
    return fromFloat64('float32', [n, 3, h, w], out);
  };
  return {
    ...data,
    item: async (index) => {
      const item = await data.item(index);
      return { ...item, feeds: new Map(Array.from(item.feeds, ([name, t]) => [name, turn(t)])) };
    },
  };
}

async function pixelWarnings(data: Dataset): Promise<readonly string[]> {
  let [sum, squares, count, together, apart] = [0, 0, 0, 0, 0];
  for (let i = 0; i < data.count; i++) {
    const { feeds } = await data.item(i);
    for (const t of feeds.values()) {
      if (!isPlanes(t)) continue;
      const values = asFloat64(t);
      const width = t.shape[3] ?? 1;
      const own = values.reduce((s, v) => s + v, 0) / Math.max(1, values.length);
      values.forEach((v, at) => {
        sum += v;
        squares += v * v;
        count += 1;
        if ((at + 1) % width === 0) return;
        together += (v - own) * ((values[at + 1] ?? 0) - own);
        apart += (v - own) ** 2;
      });
    }
  }
  if (count === 0) return [];
  const mean = sum / count;
  const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean));
  const warnings: string[] = [];
  if (Math.abs(mean) > MOST_MEAN || deviation > MOST_DEVIATION)
    warnings.push(
      `inputs have a mean of ${mean.toFixed(1)} and a deviation of ${deviation.toFixed(1)}: they look like pixels of 0 to 255 where normalised ones are expected; check --scale, --mean and --std`,
    );
  if (apart > 0 && together / apart < LEAST_CORRELATION)
    warnings.push(
      `neighbouring pixels of the inputs go together by ${(together / apart).toFixed(2)} only: this is noise, not images`,
    );
  return warnings;
}
