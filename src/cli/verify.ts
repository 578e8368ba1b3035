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
import { io } from './io.js';
import { amount, count, namedShape, namedSize, whole } from './options.js';

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly shape?: ReadonlyMap<string, readonly number[]>;
  readonly dim?: ReadonlyMap<string, number>;
  readonly inputs?: string;
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
  command
    .argument('<reference>', 'ONNX file that is right')
    .argument('<candidate>', 'ONNX file to hold against it')
    .option('--runs <n>', 'random inputs to compare on', count, 3)
    .option('--seed <n>', 'of the random inputs', whole, 0)
    .option('--shape <name=sizes>', 'shape of an input that leaves sizes open; repeatable', namedShape)
    .option('--dim <name=size>', 'size of a dimension by its name; repeatable', namedSize)
    .option('--inputs <dir>', 'inputs from a folder instead: NAME.npy, or input_0.pb, ...')
    .option(
      '--rtol <x>',
      'element-wise tolerance |a - b| <= atol + rtol |a| instead of the one that calibrates itself',
      amount,
    )
    .option('--atol <x>', 'see --rtol', amount)
    .option('--no-bisect', 'do not look for the first layer that differs')
    .addOption(
      new Option('--provider <name>', 'what runs the candidate; the reference runs on the CPU')
        .choices(['auto', 'cuda', 'webgpu', 'cpu'])
        .default('cpu'),
    )
    .option('--device <n>', 'which GPU', whole, 0)
    .option('--timeout <seconds>', 'for loading a model, or one run; by its size if left out', count)
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 the outputs match, 1 they do not, 2 the models cannot be compared, 3 they cannot be run here.' +
        '\n\nExample:\n  cnnx verify acnet.onnx acnet.fused.onnx',
    )
    .action(async (reference: string, candidate: string, o: Options) => {
      const a = await openModel(reference);
      const b = await openModel(candidate);
      const { provider, passedOver } = await chooseProvider(o.provider, o.device);
      for (const p of passedOver) io.note(`${p.provider}: ${p.reason}`);
      const names = requiredInputs(a).map((v) => v.name);
      const report = await compareModels(a, b, {
        runs: o.runs,
        seed: o.seed,
        shapes: o.shape,
        dims: o.dim,
        inputs: o.inputs === undefined ? undefined : readInputFolder(o.inputs, names),
        rtol: o.rtol,
        atol: o.atol,
        bisect: o.bisect,
        provider,
        deviceId: o.device,
        limits: o.timeout === undefined ? undefined : { timeout: o.timeout * 1000 },
        onProgress: (text) => io.progress(text),
      });
      if (o.json) await io.json({ reference, candidate, ...report });
      else io.print(verifyReportText(report));
      io.fail(EXIT[report.verdict]);
    });
