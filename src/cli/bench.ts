import { type Command, Option } from 'commander';
import { printable, table } from '../base/text.js';
import {
  type BenchEntry,
  type BenchReport,
  benchModels,
  chooseProvider,
  type ChosenSize,
  cloneModel,
  type KernelRun,
  type Model,
  openModel,
  profileModel,
  type ProviderName,
  setDims,
} from '../index.js';
import { io } from './io.js';
import { count, namedShape, namedSize, providerList, whole } from './options.js';

interface Options {
  readonly provider: ReturnType<typeof providerList>;
  readonly device: number;
  readonly runs: number;
  readonly warmup: number;
  readonly batch?: readonly number[];
  readonly threads?: readonly number[];
  readonly optimization: 'disabled' | 'basic' | 'extended' | 'all';
  readonly shape?: ReadonlyMap<string, readonly number[]>;
  readonly dim?: ReadonlyMap<string, number>;
  readonly seed: number;
  readonly profile?: boolean;
  readonly json?: boolean;
}

const list = (text: string): readonly number[] => text.split(',').map(count);

export const define = (command: Command): Command =>
  command
    .argument('<models...>', 'ONNX files; ratios are to the first')
    .option('--runs <n>', 'timed runs of each', count, 50)
    .option('--warmup <n>', 'runs before that', whole, 5)
    .option('--batch <sizes>', 'batch sizes to try, as in 1,8', list)
    .option('--threads <counts>', "threads within one operator, as in 1,2; onnxruntime's choice if left out", list)
    .addOption(
      new Option('--optimization <level>', "onnxruntime's own rewriting")
        .choices(['disabled', 'basic', 'extended', 'all'])
        .default('all'),
    )
    .option('--shape <name=sizes>', 'shape of an input that leaves sizes open; repeatable', namedShape)
    .option('--dim <name=size>', 'size of a dimension by its name; repeatable', namedSize)
    .option('--seed <n>', 'of the random inputs', whole, 0)
    .option('--profile', 'print where the time goes, by operator')
    .addOption(
      new Option('--provider <names>', 'what runs the models, as in cpu,cuda; auto takes the first that works')
        .argParser(providerList)
        .default(['auto'], 'auto'),
    )
    .option('--device <n>', 'which GPU', whole, 0)
    .option('--verbose', 'say why providers were passed over')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nExample:\n  cnnx bench acnet.onnx acnet.fused.onnx --threads 1')
    .action(run);

async function run(paths: readonly string[], o: Options): Promise<void> {
  const models: BenchEntry[] = [];
  for (const path of paths) models.push({ name: path, model: await openModel(path) });
  const chosen = [];
  for (const name of o.provider) chosen.push(await chooseProvider(name, o.device));
  const passedOver = chosen.flatMap((c) => c.passedOver);
  for (const p of passedOver) io.detail(`${p.provider}: ${p.reason}`);
  const providers = [...new Set(chosen.map((c) => c.provider))];
  const on = (provider: ProviderName) => ({ provider, deviceId: provider === 'cuda' ? o.device : undefined });
  const common = {
    runs: o.runs,
    warmup: o.warmup,
    optimization: o.optimization,
    shapes: o.shape,
    dims: o.dim,
    seed: o.seed,
    onProgress: (text: string) => io.progress(text),
  };
  const reports: BenchReport[] = [];
  for (const batch of o.batch ?? [undefined]) {
    const entries =
      batch === undefined ? models : models.map((m) => ({ name: m.name, model: atBatch(m.model, batch) }));
    for (const provider of providers)
      for (const threads of o.threads ?? [undefined]) {
        const report = await benchModels(entries, { ...common, ...on(provider), threads });
        reports.push(report);
        if (!o.json) io.print(reportText(report));
      }
  }
  const profiles = new Map<string, readonly KernelRun[]>();
  for (const provider of o.profile ? providers : [])
    for (const { name, model } of models) {
      io.progress(`profiling ${name}`);
      const kernels = await profileModel(model, { ...common, ...on(provider), threads: o.threads?.[0] });
      profiles.set(providers.length > 1 ? `${name} on ${provider}` : name, kernels);
    }
  if (o.json) await io.report('bench', { reports, passedOver, profiles: o.profile ? profiles : undefined });
  else for (const [name, kernels] of profiles) io.print(`\n${name}\n${profileText(kernels)}`);
}

function atBatch(model: Model, batch: number): Model {
  const copy = cloneModel(model);
  setDims(copy, { batch });
  return copy;
}

const ms = (x: number): string => (x < 10 ? x.toFixed(2) : x.toFixed(1));

function reportText(r: BenchReport): string {
  const inputs = r.inputs.map((i) => `${printable(i.name)} ${i.dtype}[${i.shape.join(',')}]`).join(', ');
  const rows = r.models.map((m) => [
    printable(m.name, 48),
    ms(m.median),
    ms(m.p90),
    ms(m.p99),
    m.throughput.toFixed(1),
    ms(m.create),
    ms(m.first),
    (m.peakMemory / 2 ** 20).toFixed(0),
    m.ratio ? `${m.ratio.median.toFixed(3)} (${m.ratio.low.toFixed(3)} to ${m.ratio.high.toFixed(3)})` : '1',
  ]);
  const header = ['model', 'median ms', 'p90', 'p99', 'inputs/s', 'load ms', 'first ms', 'peak MB', 'ratio (95 %)'];
  const threads =
    r.threads === undefined ? 'threads as onnxruntime chooses' : `${r.threads} thread${r.threads === 1 ? '' : 's'}`;
  const lines = [table(rows, header), `${r.provider}, ${threads}, ${r.runs} runs in turns, ${inputs}`];
  if (r.chosen.length > 0) lines.push(`left open by the model and chosen here: ${r.chosen.map(sizeText).join(', ')}`);
  return lines.join('\n');
}

const sizeText = (c: ChosenSize): string =>
  `${c.name === undefined ? `axis ${c.axis} of ${printable(c.input)}` : printable(c.name)} = ${c.size}`;

function profileText(kernels: readonly KernelRun[]): string {
  const totals = new Map<string, { op: string; provider: string; calls: number; time: number }>();
  for (const k of kernels) {
    const key = `${k.op} ${k.provider}`;
    const t = totals.get(key) ?? { op: k.op, provider: k.provider, calls: 0, time: 0 };
    totals.set(key, { ...t, calls: t.calls + 1, time: t.time + k.milliseconds });
  }
  const sorted = [...totals.values()].sort((a, b) => b.time - a.time);
  const all = sorted.reduce((sum, t) => sum + t.time, 0);
  const rows = sorted.map((t) => [t.op, t.provider, t.calls, ms(t.time), `${((100 * t.time) / all).toFixed(1)} %`]);
  return table(rows, ['operator', 'provider', 'calls', 'ms', 'share']);
}
