import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cnnx } from '../support/cli.js';

/* Every file of examples/ runs as it stands, compiled by the build, in an empty folder. */

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-examples-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = async (name: string, ...args: string[]): Promise<string> => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(root, 'dist/examples', `${name}.js`), ...args],
    { cwd: folder },
  );
  expect(stderr).toBe('');
  return stdout;
};

test('there are no others', () => {
  expect(readdirSync(join(root, 'examples')).sort()).toEqual([
    'build-fuse-save.ts',
    'classify-folder.ts',
    'own-rule.ts',
  ]);
});

test('build, fuse and save', async () => {
  expect(await run('build-fuse-save')).toBe('acnet.fused.onnx: 12 convolutions became 4, outputs match\n');
});

test('a rule of one’s own', async () => {
  const out = await run('own-rule');
  expect(out).toMatch(/^applied 1 time\n/);
  expect(out).toMatch(/y = Abs\(x\)/);
  expect(out).not.toMatch(/Sqrt|Mul/);
});

test('classify the images of a folder: as the command line does', async () => {
  const photos = join(folder, 'photos');
  mkdirSync(photos);
  for (const name of ['landscape.jpg', 'small.png'])
    cpSync(join(root, 'test/fixtures/images', name), join(photos, name));
  await cnnx(['build', 'squeezenet1_1', '--init', 'golden', '-o', 'net.onnx'], { cwd: folder });
  const out = await run('classify-folder', 'net.onnx', 'photos');
  const { stdout } = await cnnx(
    ['run', 'net.onnx', '--image', 'photos/landscape.jpg', '--top', '1', '--provider', 'cpu', '--json'],
    { cwd: folder },
  );
  const index = /"index": (\d+)/.exec(stdout)?.[1];
  expect(out).toMatch(new RegExp(`^landscape\\.jpg: class ${index}, [\\d.]+ %\\nsmall\\.png: class \\d+, `));
});
