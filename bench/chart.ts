import { cpus } from 'node:os';
import { writeFileSync } from 'node:fs';
import {
  benchModels,
  buildArchitecture,
  type BuildOptions,
  cloneModel,
  compareModels,
  findVariant,
  fuse,
} from '../src/index.js';
import { escapeHtml } from '../src/view/html.js';

/*
 * npm run chart: the latency of multi-branch networks before and after `fuse`, measured here in turns on one thread, as the picture of README. Only
 * networks whose outputs match are drawn.
 */

const NETWORKS: readonly (readonly [label: string, variant: string, options: BuildOptions])[] = [
  ['MobileOne S0', 'mobileone_s0', {}],
  ['RepVGG A0', 'repvgg_a0', {}],
  ['ResNet-18, asymmetric blocks', 'resnet18', { acb: 'authors' }],
  ['ACNet (MNIST)', 'acnet', {}],
];
const RUNS = 60;

interface Bar {
  readonly label: string;
  /** Milliseconds, the median. */
  readonly before: number;
  readonly after: number;
  /** After to before, the median over neighbouring runs. */
  readonly ratio: number;
}

async function measure(label: string, variant: string, options: BuildOptions): Promise<Bar> {
  const { model } = buildArchitecture(findVariant(variant), { init: { kind: 'golden' }, ...options });
  const fused = cloneModel(model);
  await fuse(fused);
  const { verdict } = await compareModels(model, fused);
  if (verdict !== 'match') throw new Error(`${label}: ${verdict}`);
  const { models } = await benchModels(
    [
      { name: 'before', model },
      { name: 'after', model: fused },
    ],
    { threads: 1, runs: RUNS },
  );
  const [before, after] = models;
  return { label, before: before?.median ?? 0, after: after?.median ?? 0, ratio: after?.ratio?.median ?? 0 };
}

const WIDTH = 720;
const LEFT = 220;
const ROW = 58;
const TOP = 56;
const LENGTH = WIDTH - LEFT - 150;

const ms = (x: number): string => (x < 10 ? x.toFixed(2) : x.toFixed(1));

/** Bars are relative to each network before, so that small and large ones are seen alike. */
function row(bar: Bar, i: number): string {
  const y = TOP + i * ROW;
  const after = LENGTH * bar.ratio;
  return [
    `<text x="${LEFT - 12}" y="${y + 24}" text-anchor="end" class="name">${escapeHtml(bar.label)}</text>`,
    `<rect x="${LEFT}" y="${y}" width="${LENGTH}" height="17" rx="3" class="before"/>`,
    `<text x="${LEFT + LENGTH + 8}" y="${y + 13}">${ms(bar.before)} ms</text>`,
    `<rect x="${LEFT}" y="${y + 20}" width="${after.toFixed(1)}" height="17" rx="3" class="after"/>`,
    `<text x="${(LEFT + after + 8).toFixed(1)}" y="${y + 33}">${ms(bar.after)} ms, <tspan class="gain">${(1 / bar.ratio).toFixed(2)} x as fast</tspan></text>`,
  ].join('\n');
}

function svg(bars: readonly Bar[]): string {
  const height = TOP + bars.length * ROW + 26;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Latency before and after cnnx fuse">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f } .name { font-weight: 600 } .note { font-size: 11px; fill: #57606a } .gain { font-weight: 600 }
.before { fill: #c9ced6 } .after { fill: #1f7a4d } .ground { fill: #ffffff }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #9da7b3 } .before { fill: #4a525c } .after { fill: #3fb37f } .ground { fill: #0d1117 } }
</style>
<rect width="${WIDTH}" height="${height}" class="ground"/>
<text x="${LEFT}" y="26"><tspan class="name">Latency of one image, as exported and after cnnx fuse</tspan></text>
<rect x="${LEFT}" y="35" width="10" height="10" class="before"/><text x="${LEFT + 15}" y="44" class="note">before</text>
<rect x="${LEFT + 65}" y="35" width="10" height="10" class="after"/><text x="${LEFT + 80}" y="44" class="note">after, outputs equal within the model's own noise</text>
${bars.map(row).join('\n')}
<text x="${WIDTH - 12}" y="${height - 8}" text-anchor="end" class="note">onnxruntime, one thread, ${RUNS} runs in turns, ${escapeHtml(cpus()[0]?.model.trim() ?? 'an unknown CPU')}</text>
</svg>
`;
}

const bars: Bar[] = [];
for (const network of NETWORKS) bars.push(await measure(...network));
const [, , out = 'docs/latency.svg'] = process.argv;
writeFileSync(out, svg(bars));
for (const b of bars)
  console.log(`${b.label}: ${ms(b.before)} -> ${ms(b.after)} ms, ${(1 / b.ratio).toFixed(2)} x as fast`);
