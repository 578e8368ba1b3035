import type { Command } from 'commander';
import { grouped, printable, table } from '../base/text.js';
import { checkData, sniffCheckpoint, wrapperPrefix } from '../formats/state-dict.js';
import {
  checkWeights,
  CnnxError,
  costs,
  countPatterns,
  FileSource,
  findPatterns,
  type Model,
  type ModelCosts,
  openCheckpoint,
  openModel,
  type Pattern,
  typeText,
} from '../index.js';
import { eachInput, failed } from './each.js';
import { checkSizes } from '../running/plans.js';
import { portsOf } from '../running/required-inputs.js';
import { CHECKPOINT_OPTIONS } from './weights.js';
import { io } from './io.js';
import { namedSize } from './options.js';

interface Options {
  readonly entry?: string;
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
    .addOption(CHECKPOINT_OPTIONS.entry)
    .option('--summary', 'print the totals only')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nExample:\n  cnnx inspect resnet50.onnx --dim N=8')
    .action(async (paths: readonly string[], o: Options) => {
      const files = await eachInput(paths, (path) => inspect(path, o));
      if (o.json) await io.report('inspect', { files });
    });

/** Prints what is in a file, or gives it for the report. */
async function inspect(path: string, o: Options): Promise<object> {
  if (path !== '-' && isCheckpoint(path)) return inspectCheckpoint(path, o);
  const model = await openModel(path, { checkData: false });
  checkSizes(portsOf(model), { dims: o.dim });
  const missing = missingData(model);
  const cost = costs(model, { dims: o.dim });
  const patterns = findPatterns(model);
  if (!o.json) {
    const recognised = patterns.length === 0 ? [] : [patternsText(patterns)];
    const body = o.summary ? [] : [layers(cost)];
    io.print([printable(path), modelText(model), ...body, ...recognised, totals(cost)].join('\n'));
  }
  const found = { file: path, kind: 'model', ...modelFacts(model), ...cost, patterns };
  return missing ? { ...found, error: failed(missing, path) } : found;
}

/** Why the weights of a model cannot be read: it can be shown all the same. */
function missingData(model: Model): CnnxError | undefined {
  try {
    checkWeights(model);
    return undefined;
  } catch (error) {
    if (error instanceof CnnxError) return error;
    throw error;
  }
}

function isCheckpoint(path: string): boolean {
  if (path.endsWith('.index.json')) return true;
  const source = new FileSource(path);
  try {
    return sniffCheckpoint(source.read(0, Math.min(HEAD, source.size)), path) !== undefined;
  } finally {
    source.close();
  }
}

/** Lists a state dict, whose data is checked on the way. */
async function inspectCheckpoint(path: string, o: Options): Promise<object> {
  const stateDict = await openCheckpoint(path, { entry: o.entry });
  const { format, tensors, metadata } = stateDict;
  checkData(stateDict);
  const entries = [...tensors].map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape, bytes: t.byteLength }));
  const bytes = entries.reduce((n, e) => n + e.bytes, 0);
  const prefix = wrapperPrefix(tensors.keys());
  const found = { file: path, kind: 'checkpoint', format, bytes, prefix, metadata, tensors: entries };
  if (o.json) return found;
  const rows = entries.map((e) => [printable(e.name, 60), e.dtype, `[${e.shape.join(', ')}]`, e.bytes]);
  const list = o.summary ? [] : [table(rows, ['name', 'type', 'shape', 'bytes'])];
  const beside = Array.from(metadata, ([key, value]) => `${printable(key)}: ${printable(value)}`);
  const wrapped = prefix === '' ? [] : [`every name begins with ${prefix}, which --weights takes off`];
  const total = `${format}: ${entries.length} tensors, ${grouped(bytes)} bytes`;
  io.print([printable(path), ...list, ...beside, ...wrapped, total].join('\n'));
  return found;
}

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
    n.parameters === 0 ? '' : grouped(n.parameters),
    n.macs === undefined ? '?' : n.macs === 0 ? '' : grouped(n.macs),
  ]);
  return table(rows, ['layer', 'operator', 'output', 'parameters', 'MACs']);
}

const patternsText = (patterns: readonly Pattern[]): string =>
  `recognised: ${Array.from(countPatterns(patterns), ([kind, n]) => `${n} ${kind}`).join(', ')}`;

function totals(c: ModelCosts): string {
  const lines = [
    `${grouped(c.parameters)} parameters${c.buffers > 0 ? `, ${grouped(c.buffers)} buffers` : ''}, ${grouped(c.weightBytes)} bytes of weights`,
    `${grouped(c.macs)} multiply-accumulates, ${grouped(c.activations)} activations (outputs of convolutions)`,
  ];
  if (c.peakActivationBytes !== undefined)
    lines.push(`${grouped(c.peakActivationBytes)} bytes of intermediate values at once, in the order of the file`);
  if (c.uncounted.length > 0)
    lines.push(
      `not counted: ${c.uncounted
        .slice(0, 5)
        .map((n) => printable(n))
        .join(', ')}${c.uncounted.length > 5 ? ` and ${c.uncounted.length - 5} more` : ''}`,
    );
  return lines.join('\n');
}
