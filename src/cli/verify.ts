import { type Command, Option } from 'commander';
import {
  chooseProvider,
  compareModels,
  openModel,
  type ProviderName,
  readInputFolder,
  requiredInputs,
  verifyReportText,
} from '../index.js';
import type { Model } from '../graph/ir.js';
import { startRunner } from '../node/machine/process-runner.js';
import type { Dataset } from '../running/dataset.js';
import { PATIENT } from '../running/runner.js';
import { compareQuantized, isQuantized, quantizedReportText } from '../verify/quantized.js';
import { openData } from './data.js';
import { io } from './io.js';
import { preprocessOptions, type PreprocessOptions } from './preprocess-options.js';
import { amount, count, namedName, namedShape, namedSize, whole } from './options.js';

interface Options extends PreprocessOptions {
  readonly data?: string;
  readonly minSqnr?: number;
  readonly minAgreement?: number;
  readonly runs: number;
  readonly seed: number;
  readonly shape?: ReadonlyMap<string, readonly number[]>;
  readonly dim?: ReadonlyMap<string, number>;
  readonly inputs?: string;
  readonly map?: ReadonlyMap<string, string>;
  readonly rtol?: number;
  readonly atol?: number;
  readonly bisect: boolean;
  readonly provider: ProviderName | 'auto';
  readonly device: number;
  readonly timeout?: number;
  readonly json?: boolean;
}

const EXIT = { match: 0, mismatch: 1, 'not verified': 3 } as const;

export const define = (command: Command): Command =>
  preprocessOptions(command)
    .argument('<reference>', 'ONNX file that is right')
    .argument('<candidate>', 'ONNX file to hold against it')
    .option('--runs <n>', 'random inputs to compare on', count, 3)
    .option('--seed <n>', 'of the random inputs', whole, 0)
    .option('--shape <name=sizes>', 'shape of an input that leaves sizes open; repeatable', namedShape)
    .option('--dim <name=size>', 'size of a dimension by its name; repeatable', namedSize)
    .option('--inputs <dir>', 'inputs from a folder instead: NAME.npy, or input_0.pb, ...')
    .option(
      '--map <name=name>',
      'an input or output of the reference, and how the candidate calls it; repeatable',
      namedName,
    )
    .option(
      '--rtol <x>',
      'element-wise tolerance |candidate - reference| <= atol + rtol |reference| instead of the one that calibrates itself',
      amount,
    )
    .option('--atol <x>', 'see --rtol', amount)
    .option(
      '--data <path>',
      'for a quantised model: images to compare on, as in quantize --calibrate; random inputs if left out',
    )
    .option('--min-sqnr <dB>', 'for a quantised model: least signal over noise of each output', amount)
    .option('--min-agreement <percent>', 'for a quantised model: least share of equal best classes', amount)
    .option('--no-bisect', 'do not look for the first layer that differs')
    .addOption(
      new Option('--provider <name>', 'what runs the candidate; the reference runs on the CPU')
        .choices(['auto', 'cuda', 'webgpu', 'cpu'])
        .default('cpu'),
    )
    .option('--device <n>', 'which GPU', whole, 0)
    .option('--timeout <seconds>', 'for loading a model, or one run; by its size if left out', count)
    .option('--verbose', 'say why providers were passed over')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 the outputs match, 1 they do not, 2 the models cannot be compared, 3 they cannot be run here.' +
        '\n\nExample:\n  cnnx verify acnet.onnx acnet.fused.onnx',
    )
    .action(async (reference: string, candidate: string, o: Options) => {
      const a = await openModel(reference);
      const b = await openModel(candidate);
      if ((isQuantized(a) || isQuantized(b)) && o.rtol === undefined && o.atol === undefined) {
        await verifyQuantized(a, b, { reference, candidate }, o);
        return;
      }
      const { provider, passedOver } = await chooseProvider(o.provider, o.device);
      for (const p of passedOver) io.detail(`${p.provider}: ${p.reason}`);
      const names = requiredInputs(a).map((v) => v.name);
      const report = await compareModels(a, b, {
        runs: o.runs,
        seed: o.seed,
        shapes: o.shape,
        dims: o.dim,
        map: o.map,
        inputs: o.inputs === undefined ? undefined : readInputFolder(o.inputs, names),
        rtol: o.rtol,
        atol: o.atol,
        bisect: o.bisect,
        provider,
        deviceId: o.device,
        limits: o.timeout === undefined ? undefined : { timeout: o.timeout * 1000 },
        onProgress: (text) => io.progress(text),
      });
      if (o.json) await io.report('verify', { reference, candidate, ...report });
      else io.print(verifyReportText(report));
      io.fail(EXIT[report.verdict]);
    });

/** How many random inputs a quantised model is compared on: shares and ratios need more than a verdict on floats does. */
const RANDOM_INPUTS = 32;

async function verifyQuantized(
  a: Model,
  b: Model,
  files: { readonly reference: string; readonly candidate: string },
  o: Options,
): Promise<void> {
  const runner = startRunner(o.timeout === undefined ? PATIENT : { timeout: o.timeout * 1000 });
  try {
    const path = o.data ?? 'random';
    const given =
      o.inputs === undefined
        ? undefined
        : readInputFolder(
            o.inputs,
            requiredInputs(a).map((v) => v.name),
          );
    const data: Dataset = given
      ? {
          count: given.length,
          description: `${given.length} inputs of ${o.inputs}`,
          item: (i) => Promise.resolve({ name: String(i), feeds: given[i] ?? new Map(), label: undefined }),
        }
      : await openData(a, runner, { ...o, path, truth: undefined, samples: RANDOM_INPUTS });
    if (!given && path === 'random') io.warn('on random inputs int8 loses more than on images: give some with --data');
    const report = await compareQuantized(a, b, { runner, data, minSqnr: o.minSqnr, minAgreement: o.minAgreement });
    if (o.json) await io.report('verify', { ...files, ...report });
    else io.print(quantizedReportText(report));
    io.fail(EXIT[report.verdict]);
  } finally {
    runner.close();
  }
}
