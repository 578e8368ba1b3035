import { totalCosts } from '../../analysis/index.js';
import { printable } from '../../base/text.js';
import type { Model } from '../../graph/ir.js';
import { portText } from '../../running/session.js';
import type { GoldenRun } from './golden.js';

export interface CardOptions {
  readonly name: string;
  readonly target: string;
  readonly version: string;
  readonly source: { readonly file: string; readonly sha256: string };
  readonly run: GoldenRun;
  readonly maxBatch: number;
  readonly proof: string;
}

const line = (text: string): string => printable(text, 300).replaceAll('|', '\\|');

/** What the model is, where it came from, and how it was verified: for people. */
export function modelCard(model: Model, { name, target, version, source, run, maxBatch, proof }: CardOptions): string {
  const { parameters, macs } = totalCosts(model);
  const opsets = model.opsetImports.map((o) => `${o.domain === '' ? 'ai.onnx' : o.domain} ${o.version}`).join(', ');
  const ours = model.metadata.filter((m) => m.key.startsWith('cnnx.'));
  const tolerances = Object.entries(run.golden.tolerance).map(
    ([output, t]) => `| ${line(output)} | ${t.rmsRelative.toExponential(2)} | ${t.maxAbs.toExponential(2)} |`,
  );
  return `# ${line(name)}

Packaged for ${target} by cnnx ${version} from \`${line(source.file)}\`, SHA-256 \`${source.sha256}\`.

| | |
| --- | --- |
| inputs | ${run.inputs.map((p) => line(portText(p))).join(', ')} |
| outputs | ${run.outputs.map((p) => line(portText(p))).join(', ')} |
| parameters | ${parameters} |
| multiply-accumulates, one sample | ${macs} |
| operator sets | ${line(opsets)} |
| made by | ${line(model.producerName ?? 'unknown')} ${line(model.producerVersion ?? '')} |
| largest batch of the server | ${maxBatch === 0 ? 'none' : maxBatch} |
| batch | ${line(proof)} |

## What was done to it

${ours.length === 0 ? 'Its metadata says nothing of fusing, quantising or preprocessing.' : ours.map((m) => `- \`${line(m.key)}\`: ${line(m.value)}`).join('\n')}

## How an answer is checked

\`golden.json\` has one request and its answer, computed by onnxruntime on one thread with its optimiser off. Another server's answer has to lie within
ten times of what the optimiser changes (both figures), which is what \`cnnx check URL --package DIR\` asks.

| output | RMS-relative difference | largest difference |
| --- | --- | --- |
${tolerances.join('\n')}
`;
}
