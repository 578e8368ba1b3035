import type { Complexity, Finding, Row, SpaceSummary } from './rows.js';
import type { Correlation } from './statistics.js';

/*
 * The sentences of arXiv:2003.13678 sections 3 and 4, each with what these measurements say of it. What is about accuracy needs errors that
 * somebody has trained for; without them it is not testable here, and the report says so.
 */

const UNTRAINED = 'not testable here: it is about accuracy; give errors of trained networks with --errors';
const text = ({ r, low, high }: Correlation): string => `${r.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;

export function findings(
  rows: readonly Row[],
  by: Readonly<Record<Complexity, Correlation>>,
  spaces: readonly SpaceSummary[],
): readonly Finding[] {
  return [
    { claim: 'latency follows activations more than multiply-accumulates', answer: predictor(by) },
    { claim: 'from AnyNet A to E the distributions get narrower', answer: spreads(spaces) },
    { claim: 'the best networks have about 20 blocks', answer: ofBest(rows, (r) => blocksOf(r), 'blocks') },
    { claim: 'the best bottleneck ratio is 1: no bottleneck', answer: ofBest(rows, ratioOf, 'bottleneck ratio') },
    { claim: 'the best width multiplier is about 2.5', answer: ofBest(rows, (r) => numberOf(r, 'wm'), 'wm') },
    {
      claim: 'an inverted bottleneck is slightly worse',
      answer: compared(rows, (r) => below(ratioOf(r)), 'inverted bottlenecks'),
    },
    { claim: 'depthwise convolution is worse', answer: compared(rows, (r) => isOne(groupOf(r)), 'depthwise networks') },
    {
      claim: 'squeeze and excitation helps',
      answer: compared(rows, (r) => r.config['seRatio'] !== undefined, 'networks with it'),
    },
  ];
}

function predictor({ macs, params, activations }: Readonly<Record<Complexity, Correlation>>): string {
  const overlap = activations.low <= macs.high && macs.low <= activations.high;
  const verdict = overlap
    ? 'the intervals overlap: these measurements do not tell them apart'
    : activations.r > macs.r
      ? 'yes'
      : 'no: the other way round here';
  return `${verdict}. Correlation of log latency with log activations ${text(activations)}, MACs ${text(macs)}, parameters ${text(params)}`;
}

function spreads(spaces: readonly SpaceSummary[]): string {
  const any = spaces.filter((s) => s.space.startsWith('anynet_'));
  if (any.length < 2) return 'not testable here: measure two of anynet_a to anynet_e or more';
  const line = any.map((s) => `${s.space.slice(-1).toUpperCase()} ${s.latency.spread.toFixed(2)}`).join(', ');
  const [first, last] = [any[0], any.at(-1)];
  const narrower = first && last && last.latency.spread < first.latency.spread;
  return `for latency ${narrower ? 'yes' : 'no'}: the 90th percentile over the 10th is ${line}`;
}

function ofBest(rows: readonly Row[], value: (r: Row) => number | undefined, what: string): string {
  const trained = rows.filter((r) => r.error !== undefined && value(r) !== undefined);
  if (trained.length < 10) return UNTRAINED;
  const best = [...trained].sort((a, b) => (a.error ?? 0) - (b.error ?? 0)).slice(0, Math.ceil(trained.length / 10));
  const values = best.map((r) => value(r) ?? Number.NaN).sort((a, b) => a - b);
  return `the best tenth (${best.length} networks) has a median of ${values[Math.floor(values.length / 2)]?.toPrecision(3)} ${what}`;
}

function compared(rows: readonly Row[], having: (r: Row) => boolean, what: string): string {
  const errors = (wanted: boolean): number[] =>
    rows.flatMap((r) => (r.error !== undefined && having(r) === wanted ? r.error : []));
  const [has, others] = [errors(true), errors(false)];
  if (has.length + others.length < 2) return UNTRAINED;
  if (has.length === 0 || others.length === 0)
    return `not testable here: all or none of the trained networks are ${what}`;
  const mean = (x: readonly number[]): number => x.reduce((s, v) => s + v, 0) / x.length;
  return `mean error ${mean(has).toFixed(2)} of ${has.length} ${what}, ${mean(others).toFixed(2)} of ${others.length} others`;
}

const numberOf = ({ config }: Row, name: string): number | undefined => {
  const value = config[name];
  return typeof value === 'number' ? value : undefined;
};
const meanOf = (list: unknown): number | undefined =>
  Array.isArray(list) ? list.reduce((s: number, v) => s + Number(v), 0) / list.length : undefined;
const ratioOf = (r: Row): number | undefined => meanOf(r.config['bottleneckRatios']) ?? numberOf(r, 'bottleneckRatio');
const groupOf = (r: Row): number | undefined => meanOf(r.config['groupWidths']) ?? numberOf(r, 'groupWidth');
const blocksOf = (r: Row): number | undefined => {
  const { depths } = r.config;
  return Array.isArray(depths) ? depths.reduce((s: number, v) => s + Number(v), 0) : numberOf(r, 'd');
};
const below = (ratio: number | undefined): boolean => ratio !== undefined && ratio < 1;
const isOne = (group: number | undefined): boolean => group === 1;
