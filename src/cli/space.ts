import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { grouped, table } from '../base/text.js';
import { CnnxError, chooseProvider, findVariant, type ProviderName, startRunner } from '../index.js';
import { JsonLinesFile, readJsonLines } from '../node/files/json-lines.js';
import { checkWritable, writeFile } from '../node/files/write-file.js';
import { type Budget, parseRange, type Range } from '../tasks/space/budget.js';
import { countSpace } from '../tasks/space/count.js';
import { type Candidate, candidateOf, type Reference, SpaceMeasurer } from '../tasks/space/measure.js';
import { readErrors, readMeasurements, rowsCsv } from '../tasks/space/measurements.js';
import { spaceReport } from '../tasks/space/report.js';
import { spaceReportHtml } from '../tasks/space/report-html.js';
import { sampleSpace } from '../tasks/space/sample.js';
import { SPACE_NAMES, type SpaceName } from '../tasks/space/spaces.js';
import { io } from './io.js';
import { count, whole } from './options.js';
import { TimeLeft } from './time-left.js';

export const define = (command: Command): Command => {
  command.addHelpText(
    'after',
    '\nExample:\n  cnnx space sample --space regnet_x --macs 0.38..0.42G --n 50 > cards.jsonl' +
      '\n  cnnx space measure cards.jsonl -o times.jsonl && cnnx space report times.jsonl -o space.html',
  );
  defineSample(command.command('sample'));
  defineCount(command.command('count'));
  defineMeasure(command.command('measure'));
  defineMerge(command.command('merge'));
  defineReport(command.command('report'));
  return command;
};

interface BudgetOptions {
  readonly space: SpaceName;
  readonly macs?: Range;
  readonly params?: Range;
  readonly activations?: Range;
  readonly seed: number;
}

const budgetOptions = (command: Command): Command =>
  command
    .addOption(new Option('--space <name>', 'the design space').choices(SPACE_NAMES).makeOptionMandatory())
    .option('--macs <range>', 'multiply-accumulates, as in 0.38..0.42G', range)
    .option('--params <range>', 'parameters, as in ..6M', range)
    .option('--activations <range>', 'elements of the outputs of all convolutions', range)
    .option('--seed <n>', 'of the draws', whole, 0);

const budgetOf = ({ macs, params, activations }: BudgetOptions): Budget => ({ macs, params, activations });

function range(text: string): Range {
  try {
    return parseRange(text);
  } catch (error) {
    throw error instanceof CnnxError ? new InvalidArgumentError(`${error.message}: ${error.hint ?? ''}.`) : error;
  }
}

interface SampleOptions extends BudgetOptions {
  readonly n: number;
  readonly out: string;
}

const defineSample = (command: Command): Command =>
  budgetOptions(command)
    .summary('draw networks of a space within a budget: one card a line')
    .description(
      'Draws networks as the paper does, and keeps those within the budget. Each line is a card that cnnx build takes.',
    )
    .option('--n <n>', 'how many', count, 200)
    .option('-o, --out <file>', 'file to write, - for standard output', '-')
    .addHelpText('after', '\nExample:\n  cnnx space sample --space anynet_e --macs 0.38..0.42G --n 10 -o cards.jsonl')
    .action(async (o: SampleOptions) => {
      if (o.out !== '-') await checkWritable(o.out);
      const cards = sampleSpace({ ...o, budget: budgetOf(o), onProgress: (text) => io.progress(text) });
      const lines = Array.from(cards, (card) => `${JSON.stringify(card)}\n`);
      if (o.out === '-') io.print(lines.join('').trimEnd());
      else {
        await writeFile(o.out, [new TextEncoder().encode(lines.join(''))]);
        io.print(`written: ${o.out}, ${lines.length} networks of ${o.space}`);
      }
    });

const defineCount = (command: Command): Command =>
  budgetOptions(command)
    .summary('how large a space is under a budget')
    .description('Counts the settings of a space, and estimates the share of them that is within the budget.')
    .option('--json', 'print as JSON')
    .addHelpText('after', '\nExample:\n  cnnx space count --space anynet_a --macs 0.38..0.42G')
    .action(async (o: BudgetOptions & { readonly json?: boolean }) => {
      const c = countSpace(o.space, budgetOf(o), o.seed);
      if (o.json) return io.report('space', c);
      const e = (x: number): string => x.toExponential(2);
      io.print(
        `${o.space}: ${e(c.settings)} settings, of which ${e(c.within.estimate)} (95 %: ${e(c.within.low)} to ${e(c.within.high)}) are networks within the budget;` +
          ` ${grouped(c.hits)} of ${grouped(c.drawn)} drawn`,
      );
    });

interface MeasureOptions {
  readonly out: string;
  readonly with?: readonly string[];
  readonly reference: string;
  readonly provider: ProviderName | 'auto';
  readonly device: number;
  readonly threads: number;
  readonly runs: number;
  readonly shard?: Shard;
}

interface Shard {
  readonly index: number;
  readonly of: number;
}

function shard(text: string): Shard {
  const [, index = '', of = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (index === '' || Number(index) < 1 || Number(index) > Number(of))
    throw new InvalidArgumentError('I/N with I from 1 to N, as in 2/8.');
  return { index: Number(index) - 1, of: Number(of) };
}

const defineMeasure = (command: Command): Command =>
  command
    .summary('latency of sampled networks, fused, in turns with a reference')
    .description(
      'Times each network in its fused form. A run that is called again with the same file goes on where it ended.',
    )
    .argument('<cards...>', 'files that cnnx space sample wrote, - for standard input')
    .requiredOption('-o, --out <file>', 'file to write: one measurement a line; what it has already is kept')
    .option('--with <names...>', 'published architectures to measure too')
    .option('--reference <name>', 'architecture that every network is timed in turns with', 'regnet_x_400mf')
    .addOption(
      new Option('--provider <name>', 'what runs the networks')
        .choices(['auto', 'cuda', 'webgpu', 'cpu'])
        .default('cpu'),
    )
    .option('--device <n>', 'which GPU', whole, 0)
    .option('--threads <n>', 'threads within one operator', count, 1)
    .option('--runs <n>', 'timed runs of each', count, 21)
    .option('--shard <i/n>', 'only every nth network, from the ith on: for several machines', shard)
    .addHelpText('after', '\nExample:\n  cnnx space measure cards.jsonl -o times.jsonl --with regnet_x_400mf resnet18')
    .action(measure);

async function measure(files: readonly string[], o: MeasureOptions): Promise<void> {
  const candidates: Candidate[] = [
    ...files.flatMap((file) => readJsonLines(file).map((card) => candidateOf(card))),
    ...(o.with ?? []).map((name) => ({ name, space: 'published', variant: findVariant(name) })),
  ];
  const mine = candidates.filter((_, i) => o.shard === undefined || i % o.shard.of === o.shard.index);
  const { provider } = await chooseProvider(o.provider, o.device);
  const before = existsSync(o.out) ? readMeasurements(readJsonLines(o.out), o.out) : undefined;
  checkSame(before?.reference, { ...o, provider });
  const done = new Set(before?.rows.map((r) => r.name));
  const left = mine.filter((c) => !done.has(c.name));
  const out = new JsonLinesFile(o.out);
  const measurer = new SpaceMeasurer(findVariant(o.reference), {
    startRunner,
    provider,
    deviceId: o.device,
    threads: o.threads,
    runs: o.runs,
    reference: before?.reference,
  });
  const clock = new TimeLeft(left.length);
  try {
    if (!before) out.append(await measurer.reference());
    for (const [i, candidate] of left.entries()) {
      io.progress(`${candidate.name}: ${clock.text(i)}`);
      out.append(await measurer.measure(candidate));
    }
  } finally {
    measurer.close();
  }
  io.print(`written: ${o.out}, ${left.length} networks measured, ${mine.length - left.length} were there already`);
}

/** A file is begun with one reference, provider and so on, and goes on with the same. */
function checkSame(
  before: Reference | undefined,
  o: Pick<MeasureOptions, 'reference' | 'threads' | 'runs' | 'out'> & { readonly provider: string },
): void {
  if (!before) return;
  for (const key of ['reference', 'provider', 'threads', 'runs'] as const)
    if (before[key] !== o[key])
      throw new CnnxError('space/file', `the file was begun with ${key} ${before[key]}, and ${o[key]} is asked for`, {
        at: { file: o.out },
        hint: 'go on with the same, or write to another file',
      });
}

const defineMerge = (command: Command): Command =>
  command
    .summary('join the files of several shards')
    .description('Joins files of measurements. Ratios stay; milliseconds are those of the first reference.')
    .argument('<files...>', 'files that cnnx space measure wrote')
    .requiredOption('-o, --out <file>', 'file to write')
    .addHelpText('after', '\nExample:\n  cnnx space merge part1.jsonl part2.jsonl -o times.jsonl')
    .action(async (files: readonly string[], o: { readonly out: string }) => {
      await checkWritable(o.out);
      const parts = files.map((file) => readMeasurements(readJsonLines(file), file));
      const [first] = parts;
      if (!first) throw new Error('bug: no file was given');
      for (const [i, part] of parts.entries()) checkSame(first.reference, { ...part.reference, out: files[i] ?? '' });
      const rows = new Map(parts.flatMap((p) => p.rows).map((r) => [r.name, r]));
      const scaled = [...rows.values()]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((r) => ({ ...r, latency: { ...r.latency, ms: r.latency.ratio * first.reference.ms } }));
      const text = [first.reference, ...scaled].map((v) => `${JSON.stringify(v)}\n`).join('');
      await writeFile(o.out, [new TextEncoder().encode(text)]);
      io.print(`written: ${o.out}, ${scaled.length} networks`);
    });

interface ReportOptions {
  readonly out?: string;
  readonly errors?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

const defineReport = (command: Command): Command =>
  command
    .summary('distributions, correlations and the Pareto front of measured networks')
    .description('Reports on measured networks: as text, one HTML file, JSON or CSV.')
    .argument('<files...>', 'files that cnnx space measure wrote')
    .option('-o, --out <file>', 'HTML file to write: one file that makes no request')
    .option('--errors <file>', 'CSV of what you trained: name,error (top-1, percent)')
    .option('--json', 'print the report as JSON')
    .option('--csv', 'print one line for each network')
    .addHelpText('after', '\nExample:\n  cnnx space report times.jsonl -o space.html --errors trained.csv')
    .action(async (files: readonly string[], o: ReportOptions) => {
      const parts = files.map((file) => readMeasurements(readJsonLines(file), file));
      const [first] = parts;
      if (!first) throw new Error('bug: no file was given');
      for (const [i, part] of parts.entries()) checkSame(first.reference, { ...part.reference, out: files[i] ?? '' });
      const errors = o.errors === undefined ? new Map<string, number>() : await errorsOf(o.errors);
      const rows = parts.flatMap((p) => p.rows).map((r) => ({ ...r, error: errors.get(r.name) }));
      const report = spaceReport(first.reference, rows);
      if (o.out !== undefined) {
        await checkWritable(o.out);
        await writeFile(o.out, [new TextEncoder().encode(spaceReportHtml(report))]);
      }
      if (o.json) return io.report('space', report);
      if (o.csv) return io.print(rowsCsv(rows));
      const ms = (x: number): string => x.toFixed(2);
      io.print(
        table(
          report.spaces.map((s) => [
            s.space,
            s.networks,
            ms(s.latency.median),
            ms(s.latency.spread),
            s.correlation.activations.r.toFixed(3),
            s.correlation.macs.r.toFixed(3),
            s.correlation.params.r.toFixed(3),
          ]),
          ['space', 'networks', 'median ms', 'p90/p10', 'r activations', 'r MACs', 'r params'],
        ),
      );
      for (const { claim, answer } of report.findings) io.print(`${claim}: ${answer}`);
      if (o.out !== undefined) io.print(`written: ${o.out}`);
    });

async function errorsOf(file: string): Promise<ReadonlyMap<string, number>> {
  const { openSource } = await import('../node/files/file-source.js');
  const source = await openSource(file);
  return readErrors(new TextDecoder().decode(source.read(0, source.size)), file);
}
