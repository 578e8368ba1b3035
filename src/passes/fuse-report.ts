import { grouped, printable, table } from '../base/text.js';
import type { FuseReport } from './fuse.js';
import { sentenceOf } from './rule.js';

/** Places listed by `explain` beyond this are only counted. */
const MAX_PLACES = 200;

/** Stale declarations beyond this are only counted: files of which one size was changed by hand have hundreds. */
const MAX_STALE = 5;

export interface FuseReportOptions {
  readonly explain: boolean;
  /** More rows for the table: a name, the figure before, the figure after. */
  readonly totals?: readonly (readonly [string, number, number])[] | undefined;
}

/** What a fusion did, for people: operators before and after, what was merged, and with `explain` what was not. */
export function fuseReportText(name: string, report: FuseReport, { explain, totals = [] }: FuseReportOptions): string {
  const { before, after } = report;
  const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((n, c) => n + c, 0);
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter((op) => before.get(op) !== after.get(op));
  const rows: (string | number)[][] = changed.map((op) => [printable(op), before.get(op) ?? 0, after.get(op) ?? 0]);
  rows.push(['all nodes', total(before), total(after)]);
  rows.push(...totals.map(([what, was, is]) => [what, grouped(was), grouped(is)]));
  const lines = [`${printable(name)}:`, table(rows, ['operator', 'before', 'after'])];
  const edits = [...report.applied].map(([rule, count]) => `${rule} ${count}`);
  if (edits.length > 0) lines.push(`edits: ${edits.join(', ')}`);
  for (const why of new Set(report.failures)) lines.push(`constants left as they are: ${printable(why)}`);
  lines.push(...staleText(report.stale));
  if (explain) lines.push(...explanation(report));
  return lines.join('\n');
}

function staleText(stale: readonly string[]): string[] {
  if (stale.length === 0) return [];
  const more = stale.length > MAX_STALE ? [`note: and ${stale.length - MAX_STALE} more stale declarations`] : [];
  return [...stale.slice(0, MAX_STALE).map((what) => `note: a stale declaration: ${what}`), ...more];
}

function explanation({ left }: FuseReport): string[] {
  if (left.length === 0) return ['no place was left that looked mergeable'];
  const rows = left
    .slice(0, MAX_PLACES)
    .map(({ rule, reason, node }) => [
      node.opType,
      printable(node.name ?? node.outputs[0]?.name ?? ''),
      sentenceOf(reason),
      rule,
    ]);
  const more = left.length > MAX_PLACES ? [`and ${left.length - MAX_PLACES} more`] : [];
  return [
    `${left.length} places looked mergeable and were left:`,
    table(rows, ['operator', 'node', 'reason', 'rule']),
    ...more,
  ];
}
