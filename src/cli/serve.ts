import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CnnxError, chooseProvider, imagenetLabels, readLabels, startRunner } from '../index.js';
import { createMetrics } from '../node/server/metrics.js';
import { ModelRepository, type RepositoryEntry } from '../node/server/repository.js';
import { listen } from '../node/server/server.js';
import { scoreTablePort } from '../running/class-scores.js';
import { io } from './io.js';
import { count, whole, type ProviderOptions, providerOptions } from './options.js';
import { packageVersion } from './version.js';

interface Options extends ProviderOptions {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly threads: number;
  readonly maxBatch: number;
  readonly maxDelay: number;
  readonly maxQueue: number;
  readonly maxBody: number;
  readonly timeout: number;
  readonly grace: number;
  readonly labels?: string;
  readonly quiet?: boolean;
}

const MEGABYTE = 2 ** 20;

export const define = (command: Command): Command =>
  providerOptions(
    command
      .argument('<models...>', 'ONNX files, or NAME=FILE to say what clients call them')
      .option('--host <address>', 'address to listen on', '127.0.0.1')
      .option('--port <n>', 'port to listen on, 0 for any that is free', port, 8000)
      .option('--workers <n>', 'processes for each model, each with one session', count, 1)
      .option('--threads <n>', 'threads within one operator, in each process', count, 1)
      .option('--max-batch <n>', 'rows that are run together; more than 1 takes models with an open batch', count, 1)
      .option('--max-delay <ms>', 'how long a request waits for others to be run with', whole, 2)
      .option('--max-queue <n>', 'requests that wait or run, for each model; more are answered with 503', count, 256)
      .option('--max-body <mb>', 'largest body of a request', count, 64)
      .option('--timeout <seconds>', 'for one request, its body and its run', count, 60)
      .option('--grace <seconds>', 'how long connections may stay open at the end', whole, 10)
      .option('--labels <file>', 'names of the classes, one a line or a JSON list; ImageNet’s for 1000 classes')
      .addOption(new Option('--quiet', 'log nothing but errors')),
  )
    .addHelpText(
      'after',
      '\nNo authentication, no TLS, no gRPC: put a proxy in front, or use Triton or KServe (cnnx package).' +
        '\n\nExample:\n  cnnx serve resnet=resnet50.onnx --port 8000 --workers 2',
    )
    .action(serve);

async function serve(models: readonly string[], o: Options): Promise<void> {
  const entries = models.map(entryOf);
  const twice = entries.find((e, i) => entries.findIndex((other) => other.name === e.name) < i);
  if (twice)
    throw new CnnxError('cli/usage', `two models are called ${twice.name}`, {
      hint: 'name them, as in first=a/m.onnx',
    });
  const log = logger(o.quiet ?? false);
  const { provider } = await chooseProvider(o.provider, o.device);
  const metrics = await createMetrics();
  const repository = new ModelRepository(entries, ({ name }) => ({
    startRunner,
    load: { provider, deviceId: o.device, threads: o.threads, optimization: 'all' },
    limits: { timeout: o.timeout * 1000 },
    workers: o.workers,
    maxBatch: o.maxBatch,
    maxDelay: o.maxDelay,
    maxQueue: o.maxQueue,
    onLost: (reason) => {
      metrics.lost(name);
      log({ event: 'runner lost', model: name, reason });
    },
  }));
  const labels = new Map<string, readonly string[]>();
  for (const { name } of entries) {
    await repository.load(name);
    const classes = scoreTablePort(repository.find(name)?.outputs ?? []);
    if (classes === undefined) continue;
    if (o.labels !== undefined) labels.set(name, readLabels(o.labels, classes));
    else if (classes === 1000) labels.set(name, await imagenetLabels());
  }
  const server = await listen(
    { repository, metrics, version: packageVersion(), maxBody: o.maxBody * MEGABYTE, labels, log },
    { host: o.host, port: o.port, requestTimeout: o.timeout * 1000 },
  );
  log({ event: 'listening', url: server.url, models: entries.map((e) => e.name), provider });
  if (o.quiet) io.print(server.url);
  const signal = await ended();
  log({ event: 'closing', signal });
  await server.close(o.grace * 1000);
  await repository.close();
  log({ event: 'closed' });
  io.fail(signal === 'SIGINT' ? 130 : 143);
}

/** NAME=FILE, or a file whose name without its ending is what clients say. */
function entryOf(argument: string): RepositoryEntry {
  const [, name, path] = /^([\w.-]+)=(.+)$/.exec(argument) ?? [];
  if (name !== undefined && path !== undefined) return { name, path };
  const own = basename(argument).replace(/\.onnx$/i, '');
  if (!/^[\w.-]+$/.test(own))
    throw new CnnxError('cli/usage', `${own} cannot be a part of an address`, { hint: `name it: model=${argument}` });
  return { name: own, path: argument };
}

function port(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n > 65_535) throw new InvalidArgumentError('A port from 0 to 65535.');
  return n;
}

/** One JSON object a line, on standard output. */
const logger =
  (quiet: boolean) =>
  (entry: Readonly<Record<string, unknown>>): void => {
    if (quiet && entry['event'] !== 'error' && entry['event'] !== 'runner lost') return;
    process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
  };

/** When somebody asks the process to end: what was there to end it at once gives way. */
function ended(): Promise<'SIGINT' | 'SIGTERM'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.removeAllListeners(signal);
      process.once(signal, () => resolve(signal));
    }
  });
}
