import { printable, table } from '../base/text.js';
import type { Evaluation } from '../node/files/records.js';
import type { BrokenSample } from '../tasks/evaluate.js';
import { accuracyOf, type ModelAccuracy, type PairAccuracy, type Prediction } from '../verify/accuracy.js';
import type { Share } from '../verify/proportions.js';

/** What `cnnx eval --json` prints: see docs/eval.md. */
export interface EvaluationReport {
  readonly version: 1;
  readonly data: string;
  /** How classes became indices. */
  readonly classes: string;
  readonly images: { readonly of: number; readonly evaluated: number; readonly broken: number };
  readonly shard?: string | undefined;
  readonly seconds?: number | undefined;
  readonly imagesPerSecond?: number | undefined;
  readonly models: readonly (ModelAccuracy & { readonly preprocess: object })[];
  readonly pairs: readonly PairAccuracy[];
  readonly broken: readonly { readonly image: string; readonly why: string }[];
}

export function evaluationReport(
  evaluation: Evaluation,
  predictions: readonly Prediction[],
  broken: readonly BrokenSample[],
  run?: { readonly seconds: number; readonly fresh: number; readonly shard: string | undefined },
): EvaluationReport {
  const { models, pairs } = accuracyOf(
    evaluation.models.map((m) => m.file),
    predictions,
    evaluation.names,
  );
  return {
    version: 1,
    data: evaluation.data,
    classes: evaluation.classes,
    images: { of: evaluation.of, evaluated: predictions.length, broken: broken.length },
    ...(run && { shard: run.shard, seconds: run.seconds, imagesPerSecond: run.fresh / run.seconds }),
    models: models.map((m, i) => ({ ...m, preprocess: evaluation.models[i]?.preprocess ?? {} })),
    pairs,
    broken: broken.map(({ image, why }) => ({ image, why })),
  };
}

/** Rows of a table that people read; `--json` has all. */
const SHOWN = 5;

export function evaluationText(r: EvaluationReport): string {
  const { of, evaluated, broken } = r.images;
  const speed = r.imagesPerSecond === undefined ? '' : `, ${r.imagesPerSecond.toFixed(0)} images a second`;
  const lines = [
    `${evaluated} of ${of} images${broken > 0 ? `, ${broken} broken` : ''}: ${printable(r.data)}, classes ${r.classes}${speed}`,
    table(
      r.models.map((m) => [printable(m.file), ...shareCells(m.top1), ...shareCells(m.top5)]),
      ['model', 'top-1', '95 %', 'right', 'top-5', '95 %', 'right'],
    ),
  ];
  for (const m of r.models) lines.push(...modelLines(m, r.models.length > 1));
  for (const p of r.pairs) lines.push(...pairLines(p));
  return lines.join('\n');
}

const shareCells = (s: Share): readonly string[] => [
  `${s.percent.toFixed(2)} %`,
  `${s.low.toFixed(2)} to ${s.high.toFixed(2)}`,
  `${s.correct}/${s.of}`,
];

function modelLines(m: ModelAccuracy, named: boolean): readonly string[] {
  const name = (index: number): string => {
    const found = m.classes.find((c) => c.index === index)?.name;
    return found === undefined ? String(index) : `${index} ${printable(found)}`;
  };
  const worst = m.classes.toSorted((a, b) => a.percent - b.percent).slice(0, SHOWN);
  if (worst.length < 2 || m.top1.correct === m.top1.of) return [];
  return [
    '',
    `${named ? `${printable(m.file)}: ` : ''}classes that are right least often`,
    table(
      worst.map((c) => [name(c.index), `${c.percent.toFixed(1)} %`, `${c.correct}/${c.of}`, c.predicted]),
      ['class', 'right', 'of', 'said'],
    ),
    'most often taken for another',
    table(
      m.confusions.slice(0, SHOWN).map((c) => [name(c.truth), name(c.predicted), c.count]),
      ['class', 'taken for', 'times'],
    ),
  ];
}

function pairLines({ first, second, agreement, mcnemar, apart }: PairAccuracy): readonly string[] {
  const { onlyFirst, onlySecond, exact, midP } = mcnemar;
  return [
    '',
    `${printable(first)} and ${printable(second)}: the same class on ${agreement.correct} of ${agreement.of} (${agreement.percent.toFixed(2)} %)`,
    `only the first is right on ${onlyFirst}, only the second on ${onlySecond}: p = ${exact.toPrecision(3)} (McNemar, exact), ${midP.toPrecision(3)} (mid-p)`,
    ...(apart.length === 0
      ? []
      : [
          table(
            apart.slice(0, SHOWN).map((a) => [printable(a.image), a.truth, a.first, a.second]),
            ['image', 'class', 'first', 'second'],
          ),
        ]),
    ...(apart.length > SHOWN ? [`and ${apart.length - SHOWN} more, which --json lists`] : []),
  ];
}
