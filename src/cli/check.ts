import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { printable, table } from '../base/text.js';
import { readResponse } from '../formats/inference-protocol.js';
import { CnnxError } from '../index.js';
import { readJson } from '../node/files/json-file.js';
import { compareWithGolden, type GoldenDifference, readGolden } from '../tasks/package/golden.js';
import { quantile } from '../tasks/bench.js';
import { io } from './io.js';
import { count } from './options.js';

interface Options {
  readonly package: string;
  readonly model?: string;
  readonly runs: number;
  readonly timeout: number;
  readonly json?: boolean;
}

export const define = (command: Command): Command =>
  command
    .argument('<url>', 'a server that speaks the Open Inference Protocol, version 2')
    .requiredOption('--package <dir>', 'folder that cnnx package wrote: its golden.json is replayed')
    .option('--model <name>', 'what the server calls the model; as packaged if left out')
    .option('--runs <n>', 'how often the request is sent', count, 10)
    .option('--timeout <seconds>', 'for one answer', count, 60)
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 every answer is within the tolerance, 1 one is not, 3 the server does not answer.' +
        '\n\nExample:\n  cnnx check http://127.0.0.1:8000 --package resnet50.package',
    )
    .action(check);

async function check(url: string, o: Options): Promise<void> {
  const file = join(o.package, 'golden.json');
  if (!existsSync(file))
    throw new CnnxError('serve/package', `there is no golden.json in ${printable(o.package)}`, {
      hint: 'name a folder that cnnx package wrote',
    });
  const golden = readGolden(await readJson(file));
  const model = o.model ?? golden.model;
  const base = addressOf(url);
  const body = JSON.stringify(golden.request);
  const times: number[] = [];
  const differences: GoldenDifference[] = [];
  for (let i = 0; i < o.runs; i++) {
    io.progress(`request ${i + 1} of ${o.runs}`);
    const start = performance.now();
    const answer = await ask(new URL(`v2/models/${encodeURIComponent(model)}/infer`, base), body, o.timeout);
    times.push(performance.now() - start);
    for (const d of compareWithGolden(golden, readResponse(answer, undefined)))
      if (!differences.some((e) => e.output === d.output)) differences.push(d);
  }
  const latency = { median: quantile(times, 0.5), p90: quantile(times, 0.9), least: Math.min(...times) };
  const verdict = differences.length === 0 ? 'match' : 'mismatch';
  if (o.json) await io.report('check', { url, model, verdict, runs: o.runs, latency, differences });
  else {
    for (const d of differences) io.print(`${printable(d.output)}: ${d.why}`);
    const ms = (x: number): string => x.toFixed(1);
    io.print(
      table(
        [[model, o.runs, ms(latency.least), ms(latency.median), ms(latency.p90)]],
        ['model', 'requests', 'least ms', 'median', 'p90'],
      ),
    );
    io.print(verdict);
  }
  if (verdict === 'mismatch') io.fail(1);
}

function addressOf(url: string): URL {
  try {
    const parsed = new URL(url.endsWith('/') ? url : `${url}/`);
    if (parsed.protocol === 'http:' || parsed.protocol === 'https:') return parsed;
  } catch {
    // Said below.
  }
  throw new CnnxError('cli/usage', `${printable(url)} is no address of a server`, {
    hint: 'as in http://127.0.0.1:8000',
  });
}

async function ask(url: URL, body: string, timeout: number): Promise<Uint8Array> {
  const unavailable = (why: string): CnnxError =>
    new CnnxError('serve/unavailable', `${url.origin} does not answer as expected: ${printable(why, 300)}`);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(timeout * 1000),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw unavailable(cause);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (!response.ok) throw unavailable(`status ${response.status}, ${new TextDecoder().decode(bytes.subarray(0, 300))}`);
  return bytes;
}
