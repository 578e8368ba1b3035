import { type McNemar, mcnemar, type Share, wilson } from './proportions.js';

/** What models said of one image. */
export interface Prediction {
  /** Its place in the data set. */
  readonly index: number;
  readonly image: string;
  /** Its class. */
  readonly truth: number;
  /** By model: the five best classes, the best first. */
  readonly best: readonly (readonly number[])[];
}

export interface ClassAccuracy extends Share {
  readonly index: number;
  readonly name?: string | undefined;
  /** How often the model says this class, right or wrong. */
  readonly predicted: number;
}

export interface Confusion {
  readonly truth: number;
  readonly predicted: number;
  readonly count: number;
}

export interface ModelAccuracy {
  readonly file: string;
  readonly top1: Share;
  readonly top5: Share;
  /** Of the classes that occur. */
  readonly classes: readonly ClassAccuracy[];
  /** Most often first. */
  readonly confusions: readonly Confusion[];
}

export interface PairAccuracy {
  /** The two files. */
  readonly first: string;
  readonly second: string;
  /** Images that both give the same class, right or wrong. */
  readonly agreement: Share;
  readonly mcnemar: McNemar;
  /** Images where the best classes differ. */
  readonly apart: readonly {
    readonly image: string;
    readonly truth: number;
    readonly first: number;
    readonly second: number;
  }[];
}

/** Pairs of classes that are listed of each model. */
const MOST_CONFUSIONS = 20;

/** Top-1, top-5, classes and confusions of each model, and each two models compared image by image. */
export function accuracyOf(
  files: readonly string[],
  predictions: readonly Prediction[],
  names?: readonly string[],
): { readonly models: readonly ModelAccuracy[]; readonly pairs: readonly PairAccuracy[] } {
  const models = files.map((file, m) => modelAccuracy(file, m, predictions, names));
  const pairs = files.flatMap((first, a) =>
    files.slice(a + 1).map((second, k) => pairAccuracy(first, second, a, a + 1 + k, predictions)),
  );
  return { models, pairs };
}

const bestOf = (p: Prediction, model: number): number => p.best[model]?.[0] ?? -1;

function modelAccuracy(
  file: string,
  model: number,
  predictions: readonly Prediction[],
  names: readonly string[] | undefined,
): ModelAccuracy {
  const of = predictions.length;
  const counts = new Map<number, { of: number; correct: number; predicted: number }>();
  const count = (index: number): { of: number; correct: number; predicted: number } => {
    const found = counts.get(index) ?? { of: 0, correct: 0, predicted: 0 };
    counts.set(index, found);
    return found;
  };
  const confused = new Map<string, { truth: number; predicted: number; count: number }>();
  let top1 = 0;
  let top5 = 0;
  for (const p of predictions) {
    const predicted = bestOf(p, model);
    const row = count(p.truth);
    row.of += 1;
    count(predicted).predicted += 1;
    if (p.best[model]?.includes(p.truth)) top5 += 1;
    if (predicted === p.truth) {
      top1 += 1;
      row.correct += 1;
      continue;
    }
    const key = `${p.truth} ${predicted}`;
    const pair = confused.get(key) ?? { truth: p.truth, predicted, count: 0 };
    pair.count += 1;
    confused.set(key, pair);
  }
  return {
    file,
    top1: wilson(top1, of),
    top5: wilson(top5, of),
    classes: [...counts]
      .filter(([, c]) => c.of > 0)
      .sort(([a], [b]) => a - b)
      .map(([index, c]) => ({ index, name: names?.[index], ...wilson(c.correct, c.of), predicted: c.predicted })),
    confusions: [...confused.values()]
      .sort((a, b) => b.count - a.count || a.truth - b.truth || a.predicted - b.predicted)
      .slice(0, MOST_CONFUSIONS),
  };
}

function pairAccuracy(
  first: string,
  second: string,
  a: number,
  b: number,
  predictions: readonly Prediction[],
): PairAccuracy {
  const apart = predictions
    .filter((p) => bestOf(p, a) !== bestOf(p, b))
    .map((p) => ({ image: p.image, truth: p.truth, first: bestOf(p, a), second: bestOf(p, b) }));
  return {
    first,
    second,
    agreement: wilson(predictions.length - apart.length, predictions.length),
    mcnemar: mcnemar(apart.filter((p) => p.first === p.truth).length, apart.filter((p) => p.second === p.truth).length),
    apart,
  };
}
