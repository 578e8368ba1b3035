import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { openModel } from '../../src/node/files/model-file.js';
import { MAIN } from '../support/cli.js';
import { isFull } from '../support/shared.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-kill-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const dist = (name: string): string => JSON.stringify(pathToFileURL(join(MAIN, '../../../src', name)).href);

/** Writes model after model to one path: in each, all weights are its number. */
const WRITER = `
  const { lazyTensor } = await import(${dist('tensor/tensor.js')});
  const { parseGraph } = await import(${dist('text/parse.js')});
  const { Editor } = await import(${dist('graph/edit.js')});
  const { saveModel } = await import(${dist('node/files/save-model.js')});
  const [path, weights] = process.argv.slice(1);
  const model = parseGraph('(x: float32[500000]) -> (y)\\n a = Add(x, big: float32[500000])\\n y = Add(a, small: float32[1])');
  const edit = new Editor(model);
  for (let n = 1; ; n++) {
    for (const [name, size] of [['big', 500000], ['small', 1]])
      edit.setInitializer(model.graph.values.get(name), lazyTensor('float32', [size], () => new Uint8Array(new Float32Array(size).fill(n).buffer)));
    await saveModel(model, path, { weights });
    if (n === 1) process.stdout.write('ready');
  }
`;

/** Kills the writer after a while, and gives what a reader then finds. */
async function killedWhileWriting(name: string, externalData: string): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, at(name), externalData], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((done) => child.on('close', done));
  await new Promise((done) => child.stdout.once('data', done));
  await sleep(Math.random() * 60);
  child.kill('SIGKILL');
  await ended;
  const { graph } = await openModel(at(name));
  const numbers = ['big', 'small'].flatMap((v) => {
    const bytes = graph.values.get(v)?.initializer?.bytes() ?? new Uint8Array(0);
    return [...new Set(new Float32Array(bytes.slice().buffer))];
  });
  expect(new Set(numbers).size).toBe(1);
  return numbers[0] ?? 0;
}

describe('kill -9 in the middle of writing', () => {
  const times = isFull ? 100 : 3;
  test.each(['inline', 'side'])(`${times} times over an existing model: %s`, async (externalData) => {
    for (let i = 0; i < times; i++)
      expect(await killedWhileWriting(`${externalData}.onnx`, externalData)).toBeGreaterThan(0);
  });
});

describe('a signal in the middle', () => {
  beforeAll(() => {
    const text =
      '(x: float32[2000,2000]) -> (y)\n a = MatMul(x, w: float32[2000,2000])\n y = MatMul(a, v: float32[2000,2000])';
    writeFileSync(at('large.onnx'), concat(writeOnnx(parseGraph(text))));
  });

  test.each<[NodeJS.Signals, number, string[]]>([
    ['SIGINT', 130, []],
    ['SIGTERM', 143, ['--external-data']],
  ])('%s leaves no debris and ends with %i', async (signal, code, options) => {
    const before = new Set(readdirSync(folder));
    const seen = new Set<number | string | null>();
    for (let delay = 0; delay < 3; delay++) {
      const child = spawn(process.execPath, [MAIN, 'convert', 'large.onnx', '-o', 'out.onnx', ...options], {
        cwd: folder,
        stdio: 'ignore',
      });
      const ended = new Promise<number | string | null>((done) => child.on('close', (c, s) => done(c ?? s)));
      // Its temporary file appears when it begins to write.
      while (child.exitCode === null && readdirSync(folder).every((f) => before.has(f))) await sleep(1);
      await sleep(delay * 15);
      child.kill(signal);
      seen.add(await ended);
      const left = readdirSync(folder).filter((f) => !before.has(f));
      expect(left.filter((f) => !/^out\.onnx(\.data)?$/.test(f))).toEqual([]);
      if (existsSync(at('out.onnx'))) await openModel(at('out.onnx'));
      for (const file of left) rmSync(at(file));
    }
    expect(seen).toContain(code);
    for (const end of seen) expect([0, code]).toContain(end);
  });

  test('Ctrl-C while a model runs reaches both processes, and is no verdict', async () => {
    const loop = `(x: float32[1]) -> (y)
      y = Loop<body={ again (i: int64[], c: bool[], v: float32[1]) -> (d, w)
        d = Identity(c)
        w = Identity(v)
      }>(n: int64[] = [9000000000000000000], t: bool[] = [1], x)`;
    writeFileSync(at('endless.onnx'), concat(writeOnnx(parseGraph(loop))));
    const child = spawn(process.execPath, [MAIN, 'verify', 'endless.onnx', 'endless.onnx', '--timeout', '60'], {
      cwd: folder,
      stdio: 'ignore',
      detached: true,
    });
    const ended = new Promise<number | string | null>((done) => child.on('close', (c, s) => done(c ?? s)));
    // Where the system does not tell when the other process is there, some time for a slow machine; then it loads the model, which runs and runs.
    const others = `/proc/${child.pid}/task/${child.pid}/children`;
    if (!existsSync(others)) await sleep(2500);
    else while (readFileSync(others, 'utf8') === '') await sleep(20);
    await sleep(1500);
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await ended).toBe(130);
  });

  test('whoever stops reading our output has seen enough', async () => {
    const shell = spawn(
      'sh',
      ['-c', `"${process.execPath}" "${MAIN}" convert large.onnx -o - | head -c 10 > head.bin; exit`],
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let errors = '';
    shell.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    await new Promise((done) => shell.on('close', done));
    expect(errors).toBe('');
    expect(readFileSync(at('head.bin'))).toEqual(readFileSync(at('large.onnx')).subarray(0, 10));
  });
});
