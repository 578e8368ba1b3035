import { type Series, short, svgChart } from '../../view/chart.js';
import { escapeHtml, htmlPage } from '../../view/html.js';
import type { SpaceReport } from './report.js';
import { type Complexity, COMPLEXITIES } from './rows.js';
import type { Correlation } from './statistics.js';

const NAMES: Readonly<Record<Complexity, string>> = {
  macs: 'multiply-accumulates',
  params: 'parameters',
  activations: 'activations',
};

/** A report as one HTML file that makes no request. */
export function spaceReportHtml(report: SpaceReport): string {
  const { reference, spaces, networks } = report;
  const published = networks.filter((r) => r.space === 'published');
  const title = 'Design spaces';
  const body = `<h1>${title}</h1>
<p>${networks.length - published.length} networks of ${spaces.length} space${spaces.length === 1 ? '' : 's'}, each fused and timed in turns with
${escapeHtml(reference.reference)} (${reference.ms.toFixed(2)} ms, ${escapeHtml(reference.provider)}, ${reference.threads} thread${reference.threads === 1 ? '' : 's'}, ${reference.runs} runs).
Latencies are ratios to it, times its median when the file was begun.</p>
<h2>Distribution of latency</h2>
<div class="row">${figure(
    svgChart({
      title: 'Empirical distribution of latency by space',
      x: { label: 'latency, ms', log: true },
      y: { label: 'share of networks', range: [0, 1] },
      series: spaces.map((s): Series => ({ name: s.space, points: s.edf, as: 'steps' })),
    }),
    'The share of networks that are at most as slow.',
  )}${errorFigure(report)}</div>
<div class="scroll"><table><thead><tr><th>space</th><th>networks</th><th>least ms</th><th>median</th><th>90 %</th><th>90 % over 10 %</th></tr></thead><tbody>
${spaces.map((s) => row([s.space, s.networks, s.latency.least.toFixed(2), s.latency.median.toFixed(2), s.latency.p90.toFixed(2), s.latency.spread.toFixed(2)])).join('\n')}
</tbody></table></div>
<h2>What predicts latency</h2>
<div class="row">${COMPLEXITIES.map((c) => figure(scatter(report, c), `r = ${correlationText(report.all[c])}`)).join('')}</div>
<div class="scroll"><table><thead><tr><th>space</th>${COMPLEXITIES.map((c) => `<th>${NAMES[c]}</th>`).join('')}</tr></thead><tbody>
${[...spaces.map((s) => [s.space, s.correlation] as const), ['all', report.all] as const]
  .map(([name, by]) => row([name, ...COMPLEXITIES.map((c) => correlationText(by[c]))]))
  .join('\n')}
</tbody></table></div>
<p class="soft">Pearson's r of the logarithms, with Fisher's interval of 95 %.</p>
<h2>Sentences of the paper</h2>
<div class="scroll"><table><thead><tr><th>it says</th><th style="text-align:left">these measurements</th></tr></thead><tbody>
${report.findings.map((f) => `<tr><td>${escapeHtml(f.claim)}</td><td style="text-align:left">${escapeHtml(f.answer)}</td></tr>`).join('\n')}
</tbody></table></div>
<h2>Pareto front</h2>
<div class="scroll"><table><thead><tr><th>network</th><th>ms</th><th>MACs</th><th>error</th></tr></thead><tbody>
${report.pareto.map((p) => row([p.name, p.ms.toFixed(2), short(p.macs), p.error === undefined ? '' : p.error.toFixed(2)])).join('\n')}
</tbody></table></div>
<h2>Parameters of the best tenth</h2>
<p class="soft">Quartiles of the best tenth (by error where there is one, otherwise the fastest) beside those of all.</p>
<div class="scroll"><table><thead><tr><th>space</th><th>parameter</th><th>best tenth</th><th>all</th></tr></thead><tbody>
${report.parameters.map((p) => row([p.space, p.parameter, quartiles(p.best), quartiles(p.all)])).join('\n')}
</tbody></table></div>
<h2>The linear rule nearest to each network</h2>
<details><summary>${report.rules.length} networks</summary><div class="scroll"><table><thead><tr><th>network</th><th>d</th><th>w0</th><th>wa</th><th>wm</th><th>error of the fit</th></tr></thead><tbody>
${report.rules.map((r) => row([r.name, r.d, r.w0, r.wa, r.wm, r.error.toFixed(3)])).join('\n')}
</tbody></table></div></details>`;
  return htmlPage({ title, body });
}

const figure = (svg: string, caption: string): string =>
  `<figure>${svg}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;

const row = (cells: readonly (string | number)[]): string =>
  `<tr>${cells.map((c) => `<td>${escapeHtml(String(c))}</td>`).join('')}</tr>`;

const correlationText = ({ r, low, high }: Correlation): string =>
  `${r.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;

const quartiles = (q: { readonly low: number; readonly median: number; readonly high: number }): string =>
  `${Number(q.median.toPrecision(3))} (${Number(q.low.toPrecision(3))} to ${Number(q.high.toPrecision(3))})`;

function scatter({ networks }: SpaceReport, c: Complexity): string {
  const names = [...new Set(networks.map((r) => r.space))];
  return svgChart({
    title: `Latency against ${NAMES[c]}`,
    x: { label: NAMES[c], log: true },
    y: { label: 'latency, ms', log: true },
    series: names.map((name): Series => {
      const rows = networks.filter((r) => r.space === name);
      return {
        name,
        as: 'dots',
        points: rows.map((r) => [r[c], r.latency.ms]),
        labels: rows.map((r) => `${r.name}: ${short(r[c])}, ${r.latency.ms.toFixed(2)} ms`),
      };
    }),
  });
}

function errorFigure({ spaces }: SpaceReport): string {
  const series = spaces.flatMap((s): Series[] =>
    s.errorEdf ? [{ name: s.space, points: s.errorEdf, as: 'steps' }] : [],
  );
  if (series.length === 0) return '';
  const chart = {
    title: 'Empirical distribution of error by space',
    x: { label: 'top-1 error, %' },
    y: { label: 'share of networks', range: [0, 1] as const },
    series,
  };
  return figure(svgChart(chart), 'The share of networks with at most so much error, of those that were trained.');
}
