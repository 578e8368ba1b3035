import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model } from '../graph/ir.js';
import type { ImagesIn } from '../passes/images-in.js';
import type { Size } from '../passes/images-in-geometry.js';
import { classScores, scoreTable } from '../running/class-scores.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, releaseQuietly, type Session } from '../running/session.js';
import type { Image } from '../tensor/image.js';
import { imageTensor } from '../tensor/image-tensor.js';
import { type ImageSteps, prepareImage } from '../tensor/preprocess.js';
import { hashName, streamAt } from '../tensor/seeded.js';
import { asFloat64, type Tensor, tensor } from '../tensor/tensor.js';
import { THREADS } from '../verify/noise.js';
import { judge } from '../verify/judge.js';
import { distance, type Distance, NO_DISTANCE, worse } from '../verify/statistics.js';
import { precisionOf } from '../verify/tolerance.js';

/** A resize in another arithmetic may round a pixel to its neighbour, and no further. In steps of 1/255. */
const MOST_APART = 1;

/** Classes whose order has to stay. */
const TOP = 5;

/** A decoded image, and what it is called in reports. */
export interface NamedImage {
  readonly name: string;
  readonly image: Image;
}

/** The value of the converted model that holds pixels before normalisation: `ImagesInReport.pixels`. */
interface WatchedPixels {
  readonly pixels: string;
}

/** How far a model with its preprocessing inside is from the model and our own preprocessing. */
export interface ImagesInProof {
  readonly holds: boolean;
  /** What does not hold. */
  readonly why: readonly string[];
  readonly images: readonly string[];
  /**
   * Pixels before normalisation, against those that `run` makes: how many differ, and by how many of 255 steps at most.
   */
  readonly pixels: { readonly different: number; readonly of: number; readonly largest: number };
  /**
   * Outputs on the same pixels, against the original's: the worst RMS-relative difference, and what its own noise
   * allows.
   */
  readonly outputs: readonly { readonly name: string; readonly rmsRelative: number; readonly allowed: number }[];
  /** Images whose five best classes are the original's, in order; absent where no output is a table of scores. */
  readonly top5?: { readonly same: number; readonly of: number } | undefined;
}

/**
 * Whether a model with its preprocessing inside computes what the model and our own preprocessing do, on these images:
 * the pixels at most one step apart; the outputs on equal pixels within the noise of the original; the five best
 * classes the same. The runner runs both.
 */
export async function proveImagesIn(
  original: Model,
  converted: Model,
  plan: ImagesIn & WatchedPixels,
  images: readonly NamedImage[],
  runner: Runner,
): Promise<ImagesInProof> {
  const watched = cloneModel(converted);
  const edit = new Editor(watched);
  const pixels = watched.graph.values.get(plan.pixels);
  if (!pixels) throw new Error(`bug: no value ${plan.pixels}`);
  edit.listOutputs(watched.graph, [...watched.graph.outputs, pixels]);
  const exact = await runner.load(original, { optimization: 'disabled', threads: THREADS });
  const optimized = await runner.load(original, { threads: THREADS });
  const candidate = await runner.load(watched, { optimization: 'disabled', threads: THREADS });
  const shipped = await runner.load(watched, { threads: THREADS });
  try {
    const runs: ImageRun[] = [];
    for (const { image } of images) runs.push(await runImage(image, plan, { exact, optimized, candidate, shipped }));
    return judgeRuns(runs, images, precisionOf([original, converted]));
  } finally {
    await Promise.all([exact, optimized, candidate, shipped].map(releaseQuietly));
  }
}

interface ImageRun {
  readonly different: number;
  readonly of: number;
  readonly largest: number;
  /** On the pixels that the graph made. */
  readonly expected: Feeds;
  readonly floor: ReadonlyMap<string, Distance>;
  readonly actual: Feeds;
  readonly shipped: Feeds;
  /** The original on the pixels that we make. */
  readonly outside: Feeds;
}

interface Sessions {
  readonly exact: Session;
  readonly optimized: Session;
  readonly candidate: Session;
  /** The candidate as people run it. */
  readonly shipped: Session;
}

async function runImage(image: Image, plan: ImagesIn & WatchedPixels, s: Sessions): Promise<ImageRun> {
  const { input, steps } = plan;
  const prepared = prepareImage(image, steps);
  const fed = plan.source === 'network' ? prepared : image;
  const feeds = (t: Tensor): Feeds => new Map([[input.name, repeated(t, input.batch ?? 1)]]);
  const bytes = tensor('uint8', [1, fed.height, fed.width, 3], fed.data);
  const actual = new Map(await s.candidate.run(feeds(bytes)));
  const made = actual.get(plan.pixels);
  actual.delete(plan.pixels);
  const shipped = new Map(await s.shipped.run(feeds(bytes)));
  if (!made) throw new Error('bug: the pixels are no output');
  const ours = asFloat64(imageTensor([prepared], steps, { ...input, dtype: 'uint8', layout: 'nchw' }));
  const theirs = asFloat64(made).subarray(0, ours.length);
  const fast = asFloat64(shipped.get(plan.pixels) ?? made);
  const off = (v: number, i: number): number =>
    Math.max(Math.abs(v - (theirs[i] ?? Number.NaN)), Math.abs(v - (fast[i] ?? Number.NaN)));
  const apart = ours.map(off);
  const outside = await s.exact.run(feeds(imageTensor([prepared], steps, input)));
  const inside = feeds(imageTensor([pixelImage(theirs, made.shape)], insideSteps(plan), input));
  const expected = await s.exact.run(inside);
  const optimized = await s.optimized.run(inside);
  const floor = new Map(Array.from(expected, ([name, t]) => [name, distance(optimized.get(name) ?? t, t)]));
  return {
    different: apart.filter((d) => !(d === 0)).length,
    of: apart.length,
    largest: apart.reduce((m, d) => Math.max(m, d), 0),
    expected,
    floor,
    actual,
    shipped,
    outside,
  };
}

/** The colours are in the model's order already. */
const insideSteps = ({ steps }: ImagesIn): ImageSteps => ({ ...steps, channels: 'rgb' });

/** Whole numbers N,C,H,W as an image; of one channel all three are it, whose luma it is. */
function pixelImage(values: Float64Array, [, channels = 3, height = 0, width = 0]: readonly number[]): Image {
  const data = new Uint8Array(height * width * 3);
  const plane = height * width;
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < 3; c++) data[i * 3 + c] = values[(channels === 1 ? 0 : c * plane) + i] ?? 0;
  return { width, height, data };
}

/** One image as often as a fixed batch asks for it. */
function repeated(t: Tensor, batch: number): Tensor {
  if (batch === 1) return t;
  const one = t.bytes();
  const data = new Uint8Array(one.length * batch);
  for (let i = 0; i < batch; i++) data.set(one, i * one.length);
  return tensor(t.dtype, [batch, ...t.shape.slice(1)], data);
}

function judgeRuns(
  runs: readonly ImageRun[],
  images: readonly NamedImage[],
  precision: ReturnType<typeof precisionOf>,
): ImagesInProof {
  const largest = runs.reduce((m, r) => Math.max(m, r.largest), 0);
  const outputs = [...(runs[0]?.expected.keys() ?? [])].map((name) => {
    const of = (pick: (r: ImageRun) => Feeds): readonly Tensor[] => runs.flatMap((r) => pick(r).get(name) ?? []);
    const floor = runs.reduce((d, r) => worse(d, r.floor.get(name) ?? NO_DISTANCE), NO_DISTANCE);
    return judge(
      name,
      of((r) => r.expected),
      of((r) => r.actual),
      floor,
      precision,
      {},
    );
  });
  const top5 = sameBest(runs);
  const changed = top5 === undefined ? [] : images.filter((_, i) => top5[i] === false).map((i) => i.name);
  const why = [
    ...(largest <= MOST_APART ? [] : [`a pixel is ${largest} of 255 steps off; ${MOST_APART} is allowed`]),
    ...outputs.flatMap((o) => (o.mismatch === undefined ? [] : [`the output ${o.name}: ${o.mismatch}`])),
    ...(changed.length === 0 ? [] : [`the five best classes change on ${changed.join(', ')}`]),
  ];
  return {
    holds: why.length === 0,
    why,
    images: images.map((i) => i.name),
    pixels: {
      different: runs.reduce((n, r) => n + r.different, 0),
      of: runs.reduce((n, r) => n + r.of, 0),
      largest,
    },
    outputs: outputs.map((o) => ({ name: o.name, rmsRelative: o.rmsRelative, allowed: o.tolerance.rmsRelative })),
    ...(top5 && { top5: { same: top5.filter(Boolean).length, of: top5.length } }),
  };
}

/** By image: whether its five best classes stay. Undefined where no output is a table of scores. */
function sameBest(runs: readonly ImageRun[]): readonly boolean[] | undefined {
  const best = (outputs: Feeds): string | undefined => {
    const scores = scoreTable(outputs);
    return (
      scores &&
      classScores(scores, TOP)[0]
        ?.map((c) => c.index)
        .join()
    );
  };
  const same = runs.map((r) => {
    const [a, b] = [best(r.outside), best(r.shipped)];
    return a === undefined || b === undefined ? undefined : a === b;
  });
  return same.every((s) => s !== undefined) ? same : undefined;
}

/**
 * Pictures by formula where there are no photographs: slow waves, an edge and some noise in each colour; the same on
 * every machine.
 */
export function madeImages(sizes: readonly Size[]): readonly NamedImage[] {
  return sizes.map(({ height, width }, n) => {
    const data = new Uint8Array(height * width * 3);
    const noise = hashName(`image ${n}`);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < 3; c++) {
          const at = (y * width + x) * 3 + c;
          const wave = Math.sin((x / width) * (5 + n + c)) + Math.cos((y / height) * (4 + 2 * n - c));
          const edge = x * height > y * width ? 30 : -30;
          data[at] = Math.max(0, Math.min(255, Math.round(128 + 45 * wave + edge + 12 * streamAt(noise, at))));
        }
    return { name: `made ${width} x ${height}`, image: { width, height, data } };
  });
}
