import type { Command } from 'commander';
import {
  type CheckpointFormat,
  costs,
  FileSource,
  type Model,
  type ModelCosts,
  openModel,
  printable,
  readCheckpoint,
  sniffCheckpoint,
  type StateDict,
  table,
  typeText,
} from '../index.js';
import { eachInput } from './each.js';
import { io } from './io.js';
import { namedSize } from './options.js';

interface Options {
  readonly dim?: ReadonlyMap<string, number>;
  readonly summary?: boolean;
  readonly json?: boolean;
}

/** As much of a file as tells its format. */
const HEAD = 4096;

export const define = (command: Command): Command =>
  command
    .argument('<files...>', 'ONNX files, or checkpoints (.pth, .safetensors); - for an ONNX file on standard input')
    .option('--dim <name=size>', 'size of a dimension by its name, 1 if left out; repeatable', namedSize)
    .option('--summary', 'print the totals only')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nExample:\n  cnnx inspect resnet50.onnx --dim N=8')
    .action((paths: readonly string[], o: Options) => eachInput(paths, (path) => inspect(path, o)));

async function inspect(path: string, o: Options): Promise<void> {
  const format = path === '-' ? undefined : checkpointFormat(path);
  if (format !== undefined) return inspectCheckpoint(path, format, o);
  const model = await openModel(path);
  const cost = costs(model, { dims: o.dim });
  if (o.json) io.json({ file: path, ...modelFacts(model), ...cost });
  else io.print([printable(path), modelText(model), ...(o.summary ? [] : [layers(cost)]), totals(cost)].join('\n'));
}

function checkpointFormat(path: string): CheckpointFormat | undefined {
  const source = new FileSource(path);
  try {
    return sniffCheckpoint(source.read(0, Math.min(HEAD, source.size)), path);
  } finally {
    source.close();
  }
}

function inspectCheckpoint(path: string, format: CheckpointFormat, o: Options): void {
  const { tensors }: StateDict = readCheckpoint(new FileSource(path), path);
  const entries = [...tensors].map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape, bytes: t.byteLength }));
  const bytes = entries.reduce((n, e) => n + e.bytes, 0);
  if (o.json) return io.json({ file: path, format, bytes, tensors: entries });
  const rows = entries.map((e) => [printable(e.name, 60), e.dtype, `[${e.shape.join(', ')}]`, e.bytes]);
  const list = o.summary ? [] : [table(rows, ['name', 'type', 'shape', 'bytes'])];
  io.print([printable(path), ...list, `${format}: ${entries.length} tensors, ${count(bytes)} bytes`].join('\n'));
}

const count = (n: number): string => n.toLocaleString('en');

const modelFacts = (model: Model): object => ({
  irVersion: model.irVersion,
  producer: [model.producerName, model.producerVersion].filter((s) => s !== undefined && s !== '').join(' '),
  opsets: Object.fromEntries(model.opsetImports.map((i) => [i.domain || 'ai.onnx', Number(i.version ?? 0n)])),
  inputs: model.graph.inputs.filter((v) => !v.initializer).map((v) => ({ name: v.name, type: typeText(v.type) })),
  outputs: model.graph.outputs.map((v) => ({ name: v.name, type: typeText(v.type) })),
});

function modelText(model: Model): string {
  const { graph } = model;
  const opsets = model.opsetImports.map((i) => `${printable(i.domain || 'ai.onnx')} ${i.version ?? 0n}`).join(', ');
  const ports = (list: Model['graph']['inputs']): string =>
    list.map((v) => `${printable(v.name)} ${printable(typeText(v.type))}`).join(', ') || 'none';
  return [
    `IR version ${model.irVersion ?? '?'}, opset ${opsets}, made by ${printable(model.producerName || 'an unnamed producer')}`,
    `inputs: ${ports(graph.inputs.filter((v) => !v.initializer))}`,
    `outputs: ${ports(graph.outputs)}`,
  ].join('\n');
}

function layers(cost: ModelCosts): string {
  const rows = cost.nodes.map((n) => [
    printable(n.node, 44),
    printable(n.op, 24),
    n.shape ? printable(n.shape.map((d) => d ?? '?').join(' x '), 32) : '?',
    n.parameters === 0 ? '' : count(n.parameters),
    n.macs === undefined ? '?' : n.macs === 0 ? '' : count(n.macs),
  ]);
  return table(rows, ['layer', 'operator', 'output', 'parameters', 'MACs']);
}

function totals(c: ModelCosts): string {
  const lines = [
    `${count(c.parameters)} parameters${c.buffers > 0 ? `, ${count(c.buffers)} buffers` : ''}, ${count(c.weightBytes)} bytes of weights`,
    `${count(c.macs)} multiply-accumulates, ${count(c.activations)} activations (outputs of convolutions)`,
  ];
  if (c.peakActivationBytes !== undefined)
    lines.push(`${count(c.peakActivationBytes)} bytes of intermediate values at once, in the order of the file`);
  if (c.uncounted.length > 0)
    lines.push(
      `not counted: ${c.uncounted
        .slice(0, 5)
        .map((n) => printable(n))
        .join(', ')}${c.uncounted.length > 5 ? ` and ${c.uncounted.length - 5} more` : ''}`,
    );
  return lines.join('\n');
}
