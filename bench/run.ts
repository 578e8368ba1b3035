import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '../src/index.js';
import { compare, type Compared, run } from './measure.js';
import { writeLongGraph } from './models.js';

/*
 * What cnnx costs beside a floor measured in the same run: a whole Node process that reads and writes (and fsyncs) the same bytes, or that does nothing
 * where nothing is written. `npm run bench` prints the tables of docs/performance.md.
 */

const CLI = fileURLToPath(new URL('../bundle/cli/main.js', import.meta.url));
const FLOOR = fileURLToPath(new URL('./floor.js', import.meta.url));
const MODELS = [['resnet50'], ['vgg16_bn'], ['densenet201'], ['inception_v3'], ['resnet18', '--acb']];
const NODES = [20_000, 50_000, 100_000, 200_000];

const folder = mkdtempSync(join(tmpdir(), 'cnnx-bench-'));
const rows: string[][] = [];
const HEADER = ['what', 'MB', 'wall ms', 'floor ms', 'ratio', 'CPU ms', 'peak MB', 'floor peak'];

function add(what: string, bytes: number, { cost, floor, ratio }: Compared): void {
  const whole = (x: number): string => x.toFixed(0);
  rows.push([
    what,
    whole(bytes / 1e6),
    whole(cost.wallMs),
    whole(floor.wallMs),
    ratio.toFixed(2),
    whole(cost.cpuMs),
    whole(cost.peakMB),
    whole(floor.peakMB),
  ]);
  process.stderr.write(`${rows.at(-1)?.join('  ')}\n`);
}

async function startUp(): Promise<void> {
  const nothing = ['-e', '0'];
  add('--help', 0, await compare([CLI, '--help'], nothing, folder, 9));
  add('list', 0, await compare([CLI, 'list'], nothing, folder, 9));
}

async function network([name = '', ...options]: readonly string[]): Promise<void> {
  const label = [name, ...options].join(' ');
  const path = join(folder, `${label.replaceAll(' ', '')}.onnx`);
  const build = [CLI, 'build', name, ...options, '--init', 'golden', '-o', path];
  await run(build, folder);
  const bytes = statSync(path).size;
  const copy = [FLOOR, path, `${path}.copy`];
  add(`build ${label} --init golden`, bytes, await compare(build, [FLOOR, String(bytes), `${path}.copy`], folder, 3));
  add(`inspect ${label}`, bytes, await compare([CLI, 'inspect', path], ['-e', '0'], folder, 3));
  add(`convert ${label}`, bytes, await compare([CLI, 'convert', path, '-o', `${path}.out`], copy, folder, 3));
  add(
    `fuse --no-verify ${label}`,
    bytes,
    await compare([CLI, 'fuse', path, '--no-verify', '-o', `${path}.out`], copy, folder),
  );
  for (const end of ['', '.copy', '.out']) rmSync(path + end, { force: true });
}

async function growth(): Promise<void> {
  for (const nodes of NODES) {
    const path = writeLongGraph(folder, nodes);
    const copy = [FLOOR, path, `${path}.copy`];
    add(
      `inspect ${nodes} nodes`,
      statSync(path).size,
      await compare([CLI, 'inspect', '--json', path], ['-e', '0'], folder, 1),
    );
    add(
      `fuse --no-verify ${nodes} nodes`,
      statSync(path).size,
      await compare([CLI, 'fuse', path, '--no-verify', '-o', `${path}.out`], copy, folder, 1),
    );
  }
}

try {
  await startUp();
  for (const model of MODELS) await network(model);
  await growth();
  process.stdout.write(`${table(rows, HEADER)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
