import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeNpy } from '../../src/formats/npy.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { cnnx } from '../support/cli.js';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-cli-'));
  const built = await run('build', 'acnet', '--init', 'golden', '-o', 'acnet.onnx');
  expect(built.code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]): ReturnType<typeof cnnx> => cnnx(args, { cwd: folder });
const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): void => writeFileSync(at(name), concat(writeOnnx(parseGraph(text))));

const scaled = (scale: number): string => `(x: float32[2,3]) -> (y)\n y = Mul(x, s: float32[] = [${scale}])`;

describe('fuse', () => {
  test('what cannot run here is written all the same, and said so; --require-verify refuses', async () => {
    write(
      'odd.onnx',
      '<opset: ["": 17, "my.domain": 1]>(x: float32[2,3]) -> (y)\n a = Identity(x)\n y = my.domain::Odd(a)',
    );
    const { code, stdout } = await run('fuse', 'odd.onnx');
    expect(code).toBe(0);
    expect(stdout).toMatch(/not verified: /);
    expect(existsSync(at('odd.fused.onnx'))).toBe(true);
    const required = await run('fuse', 'odd.onnx', '--require-verify', '-o', 'required.onnx');
    expect(required.code).toBe(3);
    expect(existsSync(at('required.onnx'))).toBe(false);
  });

  test('--explain says what was left and why', async () => {
    write(
      'two.onnx',
      '(x: float32[1,3,8,8]) -> (y, z)\n y = Conv(x, w: float32[4,3,3,3])\n z = BatchNormalization(y, s: float32[4] = [1,2,3,4], b: float32[4] = [1,2,3,4], m: float32[4] = [1,2,3,4], v: float32[4] = [1,2,3,4])',
    );
    expect((await run('fuse', 'two.onnx', '--explain')).stdout).toMatch(
      /BatchNormalization +z +the value is an output of the graph, so it has to stay/,
    );
  });
});

describe('inspect', () => {
  test('a model whose external data is absent is shown, and what is missing; in a field with --json', async () => {
    write('beside.onnx', '(x: float32[1,3,8,8]) -> (y)\n y = Conv(x, w: float32[64,3,3,3])');
    expect((await run('convert', 'beside.onnx', '--external-data', '-o', 'split.onnx')).code).toBe(0);
    for (const file of readdirSync(folder)) if (file.startsWith('split') && file !== 'split.onnx') rmSync(at(file));
    const { code, stdout, stderr } = await run('inspect', 'split.onnx');
    expect(code).toBe(2);
    expect(stdout).toMatch(/Conv/);
    expect(stdout).toMatch(/1,728 parameters/);
    expect(stderr).toMatch(/^error: the external data '[^']+' is not used: the file does not exist/);
    expect(stderr.split('\n').filter((line) => line.startsWith('error'))).toHaveLength(1);
    expect(JSON.parse((await run('inspect', 'split.onnx', '--json')).stdout)).toMatchObject({
      files: [
        {
          parameters: 1728,
          error: {
            code: 'onnx/external-data',
            message: expect.stringContaining('the file does not exist') as string,
            at: { file: 'split.onnx' },
          },
        },
      ],
    });
  });
});

describe('--limit', () => {
  test('lowers and raises bounds, on every command that reads a file', async () => {
    write('named.onnx', '(x: float32[2,3]) -> (a_long_name)\n a_long_name = Relu(x)');
    for (const args of [['inspect'], ['fuse', '--no-verify'], ['convert', '-o', 'out.onnx']]) {
      const [command = '', ...rest] = args;
      const refused = await run(command, 'named.onnx', ...rest, '--limit', 'text=10');
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('a text of 11 bytes; the limit is 10');
      expect((await run(command, 'named.onnx', ...rest, '--limit', 'text=11')).code).toBe(0);
    }
  });

  test('an unknown name, and what is no number', async () => {
    const unknown = await run('inspect', 'named.onnx', '--limit', 'mesageDepth=10');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('there is no limit named mesageDepth');
    expect(unknown.stderr).toContain('did you mean messageDepth?');
    const wrong = await run('inspect', 'named.onnx', '--limit', 'text=many');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('NAME=NUMBER');
  });
});

describe('verify', () => {
  test('exit codes and the report: 0 match, 1 mismatch, 2 not comparable, 3 cannot run, 4 not there', async () => {
    write('one.onnx', scaled(1));
    write('same.onnx', scaled(1));
    write('other.onnx', scaled(1.01));
    write('wide.onnx', scaled(1).replace('[2,3]', '[2,4]'));
    write('odd.onnx', '<opset: ["": 17, "my.domain": 1]>(x: float32[2,3]) -> (y)\n y = my.domain::Odd(x)');
    const match = await run('verify', 'one.onnx', 'same.onnx', '--json');
    expect(match.code).toBe(0);
    expect(JSON.parse(match.stdout)).toMatchObject({ verdict: 'match', outputs: [{ name: 'y', maxAbs: 0 }] });
    const mismatch = await run('verify', 'one.onnx', 'other.onnx');
    expect(mismatch.code).toBe(1);
    expect(mismatch.stdout).toMatch(/first difference, on input \d: channel \d of y, made by Mul/);
    const misfit = await run('verify', 'one.onnx', 'wide.onnx');
    expect(misfit.code).toBe(2);
    expect(misfit.stderr).toMatch(/x is float32\[2,3\] in the first model and float32\[2,4\] in the second/);
    expect((await run('verify', 'odd.onnx', 'odd.onnx')).code).toBe(3);
    expect((await run('verify', 'one.onnx', 'absent.onnx')).code).toBe(4);
  });

  test('inputs from a folder', async () => {
    mkdirSync(at('inputs'), { recursive: true });
    mkdirSync(at('empty'), { recursive: true });
    writeFileSync(at('inputs/x.npy'), concat(writeNpy(float32Tensor([2, 3], [0, 0, 0, 0, 0, 0]))));
    write('one.onnx', scaled(1));
    write('other.onnx', scaled(1.01));
    expect((await run('verify', 'one.onnx', 'other.onnx', '--inputs', 'inputs')).stdout).toMatch(/y is 0 throughout/);
    expect((await run('verify', 'one.onnx', 'other.onnx', '--inputs', 'empty')).code).toBe(2);
  });
});

describe('convert', () => {
  test('weights go into a side file and back, or to another folder with it, and nothing is lost', async () => {
    expect((await run('convert', 'acnet.onnx', '-o', 'side.onnx', '--external-data')).code).toBe(0);
    expect(existsSync(at('side.onnx.data'))).toBe(true);
    expect(readFileSync(at('side.onnx')).length).toBeLessThan(50_000);
    expect((await run('convert', 'side.onnx', '-o', 'inline.onnx', '--inline')).code).toBe(0);
    expect(Buffer.compare(readFileSync(at('inline.onnx')), readFileSync(at('acnet.onnx')))).toBe(0);
    mkdirSync(at('elsewhere'), { recursive: true });
    expect((await run('convert', 'side.onnx', '-o', 'elsewhere/moved.onnx')).code).toBe(0);
    expect(existsSync(at('elsewhere/side.onnx.data'))).toBe(true);
    expect((await run('verify', 'acnet.onnx', 'elsewhere/moved.onnx')).code).toBe(0);
  });

  test('the batch is opened', async () => {
    expect((await run('convert', 'acnet.onnx', '-o', 'batch.onnx', '--batch', 'n')).code).toBe(0);
    const { stdout } = await run('verify', 'batch.onnx', 'batch.onnx', '--shape', 'input=5,1,28,28');
    expect(stdout).toMatch(/float32\[5,10\]/);
  });
});

describe('bad input', () => {
  test.each<[string, () => string, number, RegExp]>([
    ['a text file', () => (writeFileSync(at('text.onnx'), 'hello, this is text'), 'text.onnx'), 2, /text/i],
    ['an empty file', () => (writeFileSync(at('empty.onnx'), ''), 'empty.onnx'), 2, /empty|0 bytes/],
    ['a folder', () => '.', 4, /folder/],
    ['nothing', () => 'absent.onnx', 4, /no such file/],
    [
      'a truncated model',
      () => (writeFileSync(at('cut.onnx'), readFileSync(at('acnet.onnx')).subarray(0, 5000)), 'cut.onnx'),
      2,
      /./,
    ],
  ])('%s: one clear error, no trace, nothing left behind', async (_what, make, expected, words) => {
    const name = make();
    const { code, stderr, stdout } = await run('fuse', name, '-o', 'never.onnx');
    expect(code).toBe(expected);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(existsSync(at('never.onnx'))).toBe(false);
  });

  test.each([
    ['a folder that is not there', 'nowhere/out.onnx', 4],
    ['a folder', 'out', 4],
  ])('an output that cannot be written, %s, is found before the work', async (_what, out, expected) => {
    mkdirSync(at('out'), { recursive: true });
    const { code, stderr } = await run('fuse', 'acnet.onnx', '-o', out);
    expect(code).toBe(expected);
    expect(stderr).toMatch(/^error: cannot write/);
  });

  test('a full disk is named, and nothing stays', async () => {
    if (!existsSync('/dev/full')) return;
    const { code, stderr } = await run('convert', 'acnet.onnx', '-o', '/dev/full');
    expect(code).toBe(4);
    expect(stderr).toMatch(/no space left/);
  });

  test('names with control characters do not reach the terminal', async () => {
    copyFileSync(at('acnet.onnx'), at('a\u001b[31m.onnx'));
    const { stderr } = await run('verify', 'a\u001b[31m.onnx', 'absent\u001b[31m.onnx');
    expect(stderr).not.toContain('\u001b');
    expect(stderr).toContain('\\x1b');
  });
});
