import { Command, CommanderError } from 'commander';
import { CnnxError } from '../base/errors.js';
import { ioError } from '../node/files/io-error.js';
import { type ErrorReport, errorReport, io } from './io.js';
import { limitOption } from './options.js';
import { packageVersion } from './version.js';

/** A command's arguments, options and action, put on a `Command` that has its name and summary already. */
export type Define = (command: Command) => Command;

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly define: Define }>;
}

/** Every command. Its module is loaded when it is called, or asked for its help. */
const COMMANDS: Readonly<Record<string, Entry>> = {
  bench: { summary: 'latency of models side by side', load: () => import('./bench.js') },
  build: { summary: 'write an architecture as ONNX', load: () => import('./build.js') },
  check: {
    summary: 'replay the golden request of a package against a server',
    load: () => import('./check.js'),
  },
  convert: {
    summary: 'rewrite an ONNX file: sizes of its inputs, weights in or beside it, preprocessing inside',
    load: () => import('./convert.js'),
  },
  cut: { summary: 'a part of a model, from some values to others', load: () => import('./cut.js') },
  doctor: { summary: 'what this machine can run models on, and what is missing', load: () => import('./doctor.js') },
  eval: { summary: 'accuracy on data: one model, or several side by side', load: () => import('./eval.js') },
  fuse: {
    summary: 'merge the linear branches of a model, and check that its outputs stay the same',
    load: () => import('./fuse.js'),
  },
  inspect: {
    summary: 'layers, shapes, parameters and multiply-accumulates; tensors of a checkpoint',
    load: () => import('./inspect.js'),
  },
  join: {
    summary: 'two models in one: outputs of the first go to inputs of the second',
    load: () => import('./join.js'),
  },
  list: { summary: 'list architectures, or print a card to start from', load: () => import('./list.js') },
  package: {
    summary: 'a folder that Triton, KServe or Node serves, with a golden answer',
    load: () => import('./package.js'),
  },
  quantize: {
    summary: 'int8 for a model, measured: signal over noise, accuracy, speed, no overflow on any x86',
    load: () => import('./quantize.js'),
  },
  rename: { summary: 'other names for inputs, outputs, initializers, nodes', load: () => import('./rename.js') },
  run: { summary: 'what a model says about an image', load: () => import('./run.js') },
  serve: {
    summary: 'answer requests over HTTP (Open Inference Protocol, version 2)',
    load: () => import('./serve.js'),
  },
  space: {
    summary: 'design spaces: sample networks, measure them, report',
    load: () => import('./space.js'),
  },
  verify: {
    summary: 'do two models compute the same? by how much do they differ, and where first?',
    load: () => import('./verify.js'),
  },
};

/** Commands to which nobody gives a file. */
const READ_NO_FILES: ReadonlySet<string> = new Set(['doctor', 'list']);

const BUG = 70;
const FAILED_WRITE = 4;
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs the command that the process was called with. */
export async function start(): Promise<void> {
  for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => process.exit(code));
  // Whoever read our output has seen enough.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      const told = ioError(error, stream === process.stdout ? 'standard output' : 'standard error', 'write');
      if (told instanceof CnnxError && io.exitCode < told.exitCode) io.error(told);
      process.exit(FAILED_WRITE);
    });
  }
  process.exitCode = await main(process.argv.slice(2));
}

/** Runs a command, and gives its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const program = await build(argv);
    await program.parseAsync(argv, { from: 'user' });
    return io.exitCode;
  } catch (error) {
    const { exit, shown } = report(error);
    if (shown && argv.includes('--json') && !io.reported) await io.report(argv[0] ?? '', { error: shown });
    return exit;
  }
}

async function build(argv: readonly string[]): Promise<Command> {
  const program = new Command('cnnx')
    .description('Build convolutional networks as ONNX, merge their linear branches, and prove that nothing changed.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .addHelpText('after', '\nExample:\n  cnnx build acnet --init golden -o acnet.onnx && cnnx fuse acnet.onnx');
  const named = argv.find((word) => Object.hasOwn(COMMANDS, word));
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).summary(summary).description(summary).exitOverride();
    if (name !== named) continue;
    (await load()).define(command);
    if (!READ_NO_FILES.has(name)) limitOption(command);
  }
  io.verbose = argv.includes('--verbose');
  return program;
}

interface Ended {
  readonly exit: number;
  /** What a program is told; absent where nothing went wrong. */
  readonly shown?: ErrorReport;
}

/** Says what went wrong, and gives the exit code for it. */
function report(error: unknown): Ended {
  if (error instanceof CommanderError) {
    // Commander has printed it already.
    if (/^commander\.(helpDisplayed|version|help)$/.test(error.code)) return { exit: 0 };
    return { exit: 2, shown: { code: 'cli/usage', message: error.message.replace(/^error: /, '') } };
  }
  if (error instanceof CnnxError) {
    io.error(error);
    return { exit: io.exitCode, shown: errorReport(error) };
  }
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return { exit: 0 };
  const message = error instanceof Error ? error.message : String(error);
  io.note(`bug in cnnx: ${message}`);
  if (process.env['CNNX_TRACE'] && error instanceof Error) io.note(error.stack ?? '');
  else io.note('  hint: run it again with CNNX_TRACE=1 in the environment, and report the trace');
  return { exit: BUG, shown: { code: 'bug', message } };
}
