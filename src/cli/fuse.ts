import { basename, dirname, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { printable, table } from '../base/text.js';
import { PREFER, type Prefer } from '../passes/affine/cost.js';
import { sentenceOf } from '../passes/rule.js';
import { makeFolder } from '../node/files/write-file.js';
import {
  CnnxError,
  ensureValid,
  fuseChecked,
  type FuseChecked,
  fuseReportText,
  listPasses,
  openModel,
  registry,
  type Saved,
  saveModel,
  verifyReportText,
} from '../index.js';
import type { Problem, ProblemCode } from '../graph/problems.js';
import { eachInput } from './each.js';
import { io } from './io.js';
import { count, namedShape, namedSize } from './options.js';
import { checkOutput, writing } from './output.js';

interface Options {
  readonly out?: string;
  readonly outDir?: string;
  readonly skip?: readonly string[];
  readonly only?: readonly string[];
  readonly prefer?: Prefer;
  readonly runs: number;
  readonly shape?: ReadonlyMap<string, readonly number[]>;
  readonly dim?: ReadonlyMap<string, number>;
  readonly verify: boolean;
  readonly requireVerify?: boolean;
  readonly freezeInitializers?: boolean;
  readonly explain?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

export const define = (command: Command): Command =>
  command
    .argument('[models...]', 'ONNX files to read, - for standard input')
    .option('-o, --out <file>', 'ONNX file to write; MODEL.fused.onnx if left out')
    .option('--out-dir <dir>', 'folder for the results of several models, which is made if it is not there')
    .option('--skip <names>', 'lifts (by operator) and rules to leave out, with commas', names)
    .option('--only <names>', 'the only lifts and rules to use, with commas', names)
    .addOption(
      new Option(
        '--prefer <what>',
        'what counts most where a merge gains one and costs another; none grows if left out',
      ).choices(PREFER),
    )
    .option('--runs <n>', 'random inputs to compare on', count, 3)
    .option(
      '--shape <name=sizes>',
      'shape of an input to compare on, where it leaves sizes open; repeatable',
      namedShape,
    )
    .option('--dim <name=size>', 'size of a dimension to compare on, by its name; repeatable', namedSize)
    .option('--no-verify', 'keep the result without comparing outputs')
    .option('--require-verify', 'fail when the original cannot be run here')
    .option('--freeze-initializers', 'make constants of initializers that callers could override')
    .option('--explain', 'print each place that looked mergeable and was not, with the reason')
    .option('--list', 'print the lifts and rules by name, and stop')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 fused (and equal, or not comparable here), 1 outputs differ and nothing was kept, 3 --require-verify and not comparable.' +
        '\n\nExample:\n  cnnx fuse acnet.onnx -o small.onnx',
    )
    .action(async (paths: readonly string[], o: Options) => {
      if (o.list) return list(o);
      if (paths.length === 0) throw new CnnxError('cli/usage', 'no model was named', { hint: 'cnnx fuse MODEL.onnx' });
      checkOutputs(paths, o);
      if (o.outDir !== undefined) await makeFolder(o.outDir);
      const models = await eachInput(paths, (path) => fuseOne(path, o));
      if (o.json && !paths.some((path) => outputOf(path, o) === '-')) await io.report('fuse', { models });
    });

/** Before any work: each model has an output of its own. */
function checkOutputs(paths: readonly string[], o: Options): void {
  if (paths.length > 1 && o.out !== undefined)
    throw new CnnxError('cli/usage', `--out names one file; ${paths.length} models were named`, {
      hint: 'use --out-dir',
    });
  if (o.out !== undefined && o.outDir !== undefined)
    throw new CnnxError('cli/usage', '--out and --out-dir both say where the result goes', { hint: 'leave one out' });
  const taken = new Map<string, string>();
  for (const path of paths) {
    const out = outputOf(path, o);
    const place = out === '-' ? out : resolve(out);
    const other = taken.get(place);
    if (other !== undefined)
      throw new CnnxError(
        'cli/usage',
        `${printable(other)} and ${printable(path)} would both become ${printable(out)}`,
        {
          hint: 'give them one after the other, with --out',
        },
      );
    taken.set(place, path);
  }
}

async function list(o: Options): Promise<void> {
  const passes = listPasses();
  if (o.json) await io.report('fuse', { passes });
  else io.print(table(passes.map((p) => [p.name, p.doc])));
}

async function fuseOne(path: string, o: Options): Promise<object> {
  const out = outputOf(path, o);
  await checkOutput(out);
  const model = await openModel(path);
  const notes = ensureValid(model, registry).filter((p) => NOTED.has(p.code));
  io.progress(`fusing ${path}`);
  const result = await fuseChecked(model, {
    skip: o.skip,
    only: o.only,
    prefer: o.prefer,
    freeze: o.freezeInitializers,
    verify: o.verify && {
      runs: o.runs,
      shapes: o.shape,
      dims: o.dim,
      onProgress: (text) => io.progress(`${path}: ${text}`),
    },
  });
  const kept = verdict(result, o);
  const saved = kept ? await saveModel(model, out, { onProgress: writing(out) }) : undefined;
  if (!o.json) {
    const text = reportText(path, result, saved, notes, o);
    if (out === '-') io.note(text);
    else io.print(text);
  }
  return { file: path, out: saved?.path, side: saved?.side, ...result, report: forJson(result.report, o) };
}

/**
 * Warnings of the checker that are worth a line; stale declarations are reported by the passes, and any order is
 * mended.
 */
const NOTED: ReadonlySet<ProblemCode> = new Set<ProblemCode>(['import', 'shadowing']);
const MAX_NOTES = 5;

/** Whether the result is kept; asks for the exit code if not. */
function verdict({ check }: FuseChecked, o: Options): boolean {
  if (check?.verdict === 'mismatch') io.fail(1);
  else if (check?.verdict === 'not verified' && o.requireVerify) io.fail(3);
  else return true;
  return false;
}

function reportText(
  path: string,
  result: FuseChecked,
  saved: Saved | undefined,
  notes: readonly Problem[],
  o: Options,
): string {
  const { before, after } = result;
  const totals = [
    ['parameters', before.parameters, after.parameters],
    ['buffers', before.buffers, after.buffers],
    ['MACs', before.macs, after.macs],
    ['bytes of weights', before.weightBytes, after.weightBytes],
  ] as const;
  const lines = [fuseReportText(path, result.report, { explain: o.explain ?? false, totals })];
  lines.push(...notes.slice(0, MAX_NOTES).map((p) => `note: ${p.message}`));
  if (result.frozen.length > 0) lines.push(`${result.frozen.length} initializers are constants now`);
  if (result.overridable > 0)
    lines.push(
      result.overridable === 1
        ? 'note: 1 initializer is an input too, which callers may override: it is not merged'
        : `note: ${result.overridable} initializers are inputs too, which callers may override: they are not merged`,
      '  hint: --freeze-initializers makes constants of such inputs',
    );
  if (result.check) lines.push(verifyReportText(result.check));
  else lines.push(o.verify ? 'nothing to change: the outputs are the same' : 'not verified: as asked');
  if (saved)
    lines.push(
      `written: ${saved.path}${saved.side === undefined ? '' : `, weights in ${saved.side}${saved.tooLarge ? ' (larger than one protobuf file may be)' : ''}`}`,
    );
  else lines.push('nothing was written');
  return lines.join('\n');
}

function forJson(report: FuseChecked['report'], o: Options): object {
  const { left, skipped, ...rest } = report;
  const places = left.map(({ rule, reason, node }) => ({
    rule,
    reason: sentenceOf(reason),
    code: reason,
    op: node.opType,
    node: node.name,
    output: node.outputs[0]?.name,
  }));
  return o.explain ? { ...rest, left: places, skipped } : rest;
}

function outputOf(path: string, { out, outDir: folder }: Options): string {
  if (out !== undefined) return out;
  if (path === '-') return folder === undefined ? '-' : join(folder, 'model.fused.onnx');
  return join(folder ?? dirname(path), `${basename(path).replace(/\.onnx$/i, '')}.fused.onnx`);
}

function names(text: string): readonly string[] {
  const list = text.split(',').map((n) => n.trim());
  if (list.some((n) => n === ''))
    throw new InvalidArgumentError('Names with commas between them, as in BatchNormalization,Add.');
  return list;
}
