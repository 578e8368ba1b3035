import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compare, type Compared, run } from './measure.js';
import { benchQuantize } from './quantize.js';
import { writeLargeModel, writeLongGraph } from './models.js';

/*
 * What cnnx costs beside a floor measured in the same run: a whole Node process that reads and writes (and fsyncs) the same bytes, that only writes
 * them, or that does nothing. `npm run bench` prints the table of docs/performance.md; `npm run bench -- resnet50 start` only those parts of it. `npm run bench -- quantize [FOLDER OR NETS]`
 * is a table of its own: see quantize.ts.
 */

const CLI = fileURLToPath(new URL('../bundle/cli/main.cjs', import.meta.url));
const FLOOR = fileURLToPath(new URL('./floor.js', import.meta.url));
const NOTHING = ['-e', '0'];
const MODELS = [['resnet50'], ['vgg16_bn'], ['densenet201'], ['inception_v3'], ['resnet18', '--acb']];
const NODES = [20_000, 50_000, 100_000, 200_000];
const LARGE = 6e9;

const folder = mkdtempSync(join(tmpdir(), 'cnnx-bench-'));

const HEADER = ['what', 'file MB', 'wall ms', 'floor ms', 'ratio', 'CPU ms', 'floor CPU', 'peak MB', 'floor peak'];
const line = (cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);

function add(what: string, bytes: number, { cost, floor, ratio }: Compared): void {
  const whole = (x: number): string => x.toFixed(0);
  line([
    what,
    whole(bytes / 1e6),
    whole(cost.wallMs),
    whole(floor.wallMs),
    ratio.toFixed(2),
    whole(cost.cpuMs),
    whole(floor.cpuMs),
    whole(cost.peakMB),
    whole(floor.peakMB),
  ]);
}

async function start(): Promise<void> {
  const path = join(folder, 'small.onnx');
  await run([CLI, 'build', 'acnet', '--init', 'golden', '-o', path], folder);
  for (const args of [['--help'], ['list'], ['inspect', path]])
    add(`\`${args[0]}\`${args.length > 1 ? ' of 8 MB' : ''}`, 0, await compare([CLI, ...args], NOTHING, folder, 9));
}

async function network([name = '', ...options]: readonly string[]): Promise<void> {
  const label = [name, ...options].join(' ');
  const path = join(folder, `${label.replaceAll(' ', '')}.onnx`);
  const built = (init: string): string[] => [CLI, 'build', name, ...options, '--init', init, '-o', path];
  await run(built('golden'), folder);
  const bytes = statSync(path).size;
  const written = [FLOOR, String(bytes), `${path}.copy`];
  const copied = [FLOOR, path, `${path}.copy`];
  add(`\`build ${label} --init golden\``, bytes, await compare(built('golden'), written, folder, 3));
  if (name === 'resnet50')
    add(`\`build ${label} --init original\``, bytes, await compare(built('original'), written, folder, 3));
  add(`\`inspect\` ${label}`, bytes, await compare([CLI, 'inspect', path], NOTHING, folder, 3));
  add(`\`convert\` ${label}`, bytes, await compare([CLI, 'convert', path, '-o', `${path}.out`], copied, folder, 3));
  const fused = [CLI, 'fuse', path, '--no-verify', '-o', `${path}.out`];
  add(`\`fuse --no-verify\` ${label}`, bytes, await compare(fused, copied, folder, 5));
  for (const end of ['', '.copy', '.out']) rmSync(path + end, { force: true });
}

async function nodes(count: number): Promise<void> {
  const path = writeLongGraph(folder, count);
  const { size } = statSync(path);
  const label = `${count.toLocaleString('en')} nodes`;
  add(`\`inspect\` ${label}`, size, await compare([CLI, 'inspect', '--json', path], NOTHING, folder, 1));
  const fused = [CLI, 'fuse', path, '--no-verify', '-o', `${path}.out`];
  add(`\`fuse --no-verify\` ${label}`, size, await compare(fused, [FLOOR, path, `${path}.copy`], folder, 1));
}

/** Weights in a side file. The copy is of that file; nothing is measured twice, since it takes a while. */
async function large(bytes: number): Promise<void> {
  const path = join(folder, 'large.onnx');
  await writeLargeModel(path, bytes);
  const data = `${path}.data`;
  const label = `${bytes / 1e9} GB`;
  add(`\`inspect\` ${label}`, bytes, await compare([CLI, 'inspect', '--summary', path], NOTHING, folder, 3));
  const fused = [CLI, 'fuse', path, '--no-verify', '-o', `${path}.out`];
  const copied = [FLOOR, data, `${path}.copy`];
  add(`\`fuse --no-verify\` ${label}`, bytes, await compare(fused, copied, folder, 0));
  for (const end of ['', '.data', '.copy', '.out', '.out.data']) rmSync(path + end, { force: true });
}

const PARTS = new Map<string, () => Promise<void>>([
  ['start', start],
  ...MODELS.map((model): [string, () => Promise<void>] => [model[0] ?? '', () => network(model)]),
  ...NODES.map((count): [string, () => Promise<void>] => [`nodes-${count}`, () => nodes(count)]),
  ...[LARGE / 6, LARGE / 2, LARGE].map((bytes): [string, () => Promise<void>] => [
    `${bytes / 1e9}GB`,
    () => large(bytes),
  ]),
]);

const wanted = process.argv.slice(2);
const [first, ...others] = wanted;
const unknown = first === 'quantize' ? [] : wanted.filter((name) => !PARTS.has(name));
try {
  if (unknown.length > 0) throw new Error(`no part is named ${unknown.join()}: there are ${[...PARTS.keys()].join()}`);
  if (first === 'quantize') await benchQuantize(others, folder);
  else {
    line(HEADER);
    line(HEADER.map((_, i) => (i === 0 ? '---' : '---:')));
    for (const [name, part] of PARTS) if (wanted.length === 0 || wanted.includes(name)) await part();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
