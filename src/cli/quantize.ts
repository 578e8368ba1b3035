import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { printable, table } from '../base/text.js';
import { ensureValid } from '../graph/check.js';
import { registry } from '../ops/index.js';
import { openModel } from '../node/files/model-file.js';
import { type Saved, saveModel } from '../node/files/save-model.js';
import { startRunner } from '../node/machine/process-runner.js';
import type { Dataset } from '../running/dataset.js';
import { PATIENT } from '../running/runner.js';
import { type QuantizeResult, quantizeModel } from '../tasks/quantize.js';
import { parseTarget, TARGET_NAMES } from '../tasks/quantize-targets.js';
import { CnnxError } from '../base/errors.js';
import type { Share } from '../verify/signal.js';
import { openData } from './data.js';
import { io } from './io.js';
import { amount, count, whole } from './options.js';
import { checkOutput, writing } from './output.js';
import { preprocessOptions, type PreprocessOptions } from './preprocess-options.js';

interface Options extends PreprocessOptions {
  readonly out?: string;
  readonly calibrate: string;
  readonly samples: number;
  readonly seed: number;
  readonly target: string;
  readonly fuse: boolean;
  readonly x86Safe: string;
  readonly eval?: string;
  readonly truth?: string;
  readonly maxDrop?: number;
  readonly minSqnr?: number;
  readonly threads: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

export const define = (command: Command): Command => {
  command
    .argument('<model>', 'ONNX file, - for standard input')
    .option('-o, --out <file>', 'ONNX file to write; MODEL.int8.onnx if left out')
    .requiredOption(
      '--calibrate <path>',
      'images like those the model will see: a folder of images or of .npy files, an IDX file; random',
    )
    .option('--samples <n>', 'images to calibrate with', count, 256)
    .option('--seed <n>', 'of the choice among them', whole, 0)
    .option('--target <name>', `what runs the result: ${TARGET_NAMES.join(', ')}`, 'cpu')
    .option('--no-fuse', 'do not merge linear operators first')
    .option('--x86-safe <on|off>', 'off: use the full range of weights, which overflows on x86 without VNNI', 'on')
    .option('--eval <path>', 'labelled images to measure accuracy on')
    .option('--truth <file>', 'their classes: an IDX or .npy file')
    .option('--max-drop <points>', 'of top-1 on --eval that may be lost: layers stay float until it holds', amount)
    .option('--min-sqnr <dB>', 'least signal over noise of each output: layers stay float until it holds', amount)
    .option('--threads <n>', 'threads within one operator, for measuring speed', count, 1)
    .option('--force', 'write the model even where it does not pay')
    .option('--json', 'print the report as JSON');
  return preprocessOptions(command)
    .addHelpText(
      'after',
      '\nExit code: 0 done, or int8 does not pay and nothing was written.\n\nExample:\n  cnnx quantize resnet50.onnx --calibrate photos/ -o resnet50.int8.onnx',
    )
    .action(run);
};

async function run(path: string, o: Options): Promise<void> {
  const target = parseTarget(o.target);
  if (o.x86Safe !== 'on' && o.x86Safe !== 'off')
    throw new CnnxError('cli/usage', `--x86-safe is on or off, not ${printable(o.x86Safe)}`);
  const out =
    o.out ?? (path === '-' ? '-' : join(dirname(path), `${basename(path).replace(/\.onnx$/i, '')}.int8.onnx`));
  await checkOutput(out);
  const model = await openModel(path);
  ensureValid(model, registry);
  const runner = startRunner(PATIENT);
  try {
    const open = (path: string, truth: string | undefined, samples: number): Promise<Dataset> =>
      openData(model, runner, { ...o, path, truth, samples });
    const result = await quantizeModel(model, {
      runner,
      startRunner,
      calibration: await open(o.calibrate, undefined, o.samples),
      random: o.calibrate === 'random',
      evaluation: o.eval === undefined ? undefined : await open(o.eval, o.truth, o.samples),
      samples: o.samples,
      seed: o.seed,
      target,
      fuse: o.fuse,
      safe: o.x86Safe === 'on',
      minSqnr: o.minSqnr,
      maxDrop: o.maxDrop,
      threads: o.threads,
      onProgress: (text) => io.progress(`${path}: ${text}`),
    });
    const kept = result.reason === undefined || o.force === true;
    const saved = kept ? await saveModel(result.model, out, { onProgress: writing(out) }) : undefined;
    for (const text of result.warnings) io.warn(text);
    if (o.json && out !== '-') await io.report('quantize', reportJson(result, saved));
    else io.printBeside(out, reportText(path, result, saved));
  } finally {
    runner.close();
  }
}

/** Version 1 of the report: see docs/quantize.md. */
const reportJson = (r: QuantizeResult, saved: Saved | undefined): object => ({
  version: 1,
  out: saved?.path,
  float: r.float,
  int8: r.int8,
  ratio: r.ratio,
  sqnr: Object.fromEntries(r.measured.sqnr),
  agreement: r.measured.agreement,
  top1: r.measured.top1,
  written: saved !== undefined,
  reason: r.reason,
  layers: r.layers,
  overflow: r.overflow,
  islands: r.islands,
  calibration: r.calibration,
  warnings: r.warnings,
});

const share = (s: Share): string =>
  `${s.percent.toFixed(2)} % (${s.low.toFixed(2)} to ${s.high.toFixed(2)}, of ${s.of})`;
const ms = (x: number | null): string => (x === null ? 'not measured' : `${x.toFixed(2)} ms`);

function reportText(path: string, r: QuantizeResult, saved: Saved | undefined): string {
  const rows: string[][] = [
    ['file, MB', (r.float.bytes / 1e6).toFixed(2), (r.int8.bytes / 1e6).toFixed(2), r.ratio.bytes.toFixed(3)],
    ['one image', ms(r.float.ms), ms(r.int8.ms), r.ratio.latency?.toFixed(3) ?? ''],
  ];
  if (r.measured.top1) rows.push(['top-1', share(r.measured.top1.float), share(r.measured.top1.int8), '']);
  const lines = [table(rows, [printable(path), 'float', 'int8', 'ratio'])];
  for (const [name, dB] of r.measured.sqnr) lines.push(`${printable(name)}: ${dB.toFixed(1)} dB of signal over noise`);
  if (r.measured.agreement) lines.push(`the same best class: ${share(r.measured.agreement)}`);
  lines.push(
    r.overflow.proven
      ? `no sum of products can overflow on any x86: proven, at ${r.overflow.bits.toFixed(2)} bit`
      : 'sums of products may overflow on x86 without VNNI',
  );
  const worst = r.layers.filter((l) => l.sqnr !== null).sort((a, b) => (a.sqnr ?? 0) - (b.sqnr ?? 0));
  lines.push(
    `worst layers: ${worst
      .slice(0, 3)
      .map((l) => `${printable(l.name)} ${l.sqnr?.toFixed(1)} dB`)
      .join(', ')}`,
  );
  for (const l of r.layers) if (l.float !== undefined) lines.push(`float: ${printable(l.name)} (${l.op}): ${l.float}`);
  if (r.reason !== undefined) lines.push(r.reason);
  lines.push(saved ? `written: ${saved.path}` : 'nothing was written');
  return lines.join('\n');
}
