import type { Reference } from './measure.js';
import { fitLinearRule, type LinearRule } from './linear-rule.js';
import { type Correlation, edf, paretoFront, pearson } from './statistics.js';
import { quantisedStages } from '../../builders/regnet-widths.js';
import { quantile } from '../bench.js';
import { findings } from './findings.js';
import type { Complexity, Finding, Row, SpaceSummary } from './rows.js';

/** How one parameter is distributed among the best tenth (by error where there is one, otherwise by latency), and among all. */
export interface ParameterSummary {
  readonly space: string;
  readonly parameter: string;
  readonly best: Quartiles;
  readonly all: Quartiles;
}

export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export interface SpaceReport {
  readonly schemaVersion: 1;
  readonly reference: Reference;
  readonly spaces: readonly SpaceSummary[];
  readonly all: Readonly<Record<Complexity, Correlation>>;
  readonly pareto: readonly {
    readonly name: string;
    readonly macs: number;
    readonly error: number | undefined;
    readonly ms: number;
  }[];
  readonly parameters: readonly ParameterSummary[];
  readonly rules: readonly ({ readonly name: string } & LinearRule)[];
  readonly findings: readonly Finding[];
  readonly networks: readonly Row[];
}

/** What measurements of design spaces say. */
export function spaceReport(reference: Reference, rows: readonly Row[]): SpaceReport {
  const names = [...new Set(rows.map((r) => r.space))];
  const sampled = rows.filter((r) => r.space !== 'published');
  const spaces = names
    .filter((n) => n !== 'published')
    .map((space) =>
      summary(
        space,
        rows.filter((r) => r.space === space),
      ),
    );
  return {
    schemaVersion: 1,
    reference,
    spaces,
    all: correlations(sampled),
    // The best have little error; where nobody trained them, much computation, for their latency.
    pareto: paretoFront(
      sampled,
      (r) => r.latency.ms,
      (r) => r.error ?? -r.macs,
    ).map(({ name, macs, error, latency: { ms } }) => ({ name, macs, error, ms })),
    parameters: spaces.flatMap(({ space }) =>
      parameterSummaries(
        space,
        rows.filter((r) => r.space === space),
      ),
    ),
    rules: rows.flatMap((r) => {
      const stages = stagesOf(r);
      return stages ? [{ name: r.name, ...fitLinearRule(stages) }] : [];
    }),
    findings: findings(sampled, correlations(sampled), spaces),
    networks: rows,
  };
}

function summary(space: string, rows: readonly Row[]): SpaceSummary {
  const ms = rows.map((r) => r.latency.ms);
  const errors = rows.flatMap((r) => r.error ?? []);
  const [p10, p90] = [quantile(ms, 0.1), quantile(ms, 0.9)];
  return {
    space,
    networks: rows.length,
    latency: { least: Math.min(...ms), median: quantile(ms, 0.5), p90, spread: p90 / p10 },
    edf: edf(ms),
    errorEdf: errors.length > 1 ? edf(errors) : undefined,
    correlation: correlations(rows),
  };
}

/** Of log latency with the log of each measure: ratios are what both are about. */
export function correlations(rows: readonly Row[]): Readonly<Record<Complexity, Correlation>> {
  const ms = rows.map((r) => Math.log(r.latency.ms));
  const by = (c: Complexity): Correlation =>
    pearson(
      rows.map((r) => Math.log(r[c])),
      ms,
    );
  return { macs: by('macs'), params: by('params'), activations: by('activations') };
}

/** Width and depth of each stage; undefined for what is neither AnyNet nor RegNet. */
export function stagesOf({ config }: Row): readonly { readonly width: number; readonly depth: number }[] | undefined {
  const { widths, depths, d, w0, wa, wm, groupWidth, bottleneckRatio = 1 } = config;
  if (Array.isArray(widths) && Array.isArray(depths))
    return widths.map((width, i) => ({ width: Number(width), depth: Number(depths[i]) }));
  if (typeof d !== 'number' || typeof w0 !== 'number' || typeof wa !== 'number') return undefined;
  return quantisedStages({
    d,
    w0,
    wa,
    wm: Number(wm),
    groupWidth: Number(groupWidth),
    bottleneckRatio: Number(bottleneckRatio),
    widthRounding: config['widthRounding'] === 'nearest' ? 'nearest' : 'torchvision',
  });
}

/** Of each number of a configuration (mean over the stages where each has its own): the best tenth beside all. */
function parameterSummaries(space: string, rows: readonly Row[]): readonly ParameterSummary[] {
  const score = (r: Row): number => r.error ?? r.latency.ms;
  const best = [...rows].sort((a, b) => score(a) - score(b)).slice(0, Math.max(1, Math.round(rows.length / 10)));
  const names = [...new Set(rows.flatMap((r) => [...parametersOf(r).keys()]))];
  return names.map((parameter) => {
    const quartiles = (of: readonly Row[]): Quartiles => {
      const values = of.flatMap((r) => parametersOf(r).get(parameter) ?? []);
      return { low: quantile(values, 0.25), median: quantile(values, 0.5), high: quantile(values, 0.75) };
    };
    return { space, parameter, best: quartiles(best), all: quartiles(rows) };
  });
}

/** The numbers of a network that the paper plots. */
export function parametersOf(row: Row): ReadonlyMap<string, number> {
  const stages = stagesOf(row);
  const out = new Map<string, number>();
  const { config } = row;
  if (stages) {
    out.set(
      'depth',
      stages.reduce((s, { depth }) => s + depth, 0),
    );
    out.set('last width over first', (stages.at(-1)?.width ?? 1) / (stages[0]?.width ?? 1));
  }
  for (const name of ['w0', 'wa', 'wm', 'groupWidth'] as const) {
    const value = config[name];
    if (typeof value === 'number') out.set(name, value);
  }
  for (const [name, list] of [
    ['bottleneck ratio', config['bottleneckRatios']],
    ['group width', config['groupWidths']],
  ] as const)
    if (Array.isArray(list)) out.set(name, list.reduce((s: number, v) => s + Number(v), 0) / list.length);
  return out;
}
