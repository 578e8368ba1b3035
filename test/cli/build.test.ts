import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readOnnx } from '../../src/formats/onnx/index.js';
import { cnnx } from '../support/cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'cnnx-build-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

test('writes a file that says what it is, under the name of the architecture', async () => {
  const result = await cnnx(['build', 'acnet', '--init', 'golden'], { cwd });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(result.stdout).toBe(
    'acnet.onnx: acnet, 1,984,938 parameters; input float32[1,1,28,28] to logits float32[1,10]\n',
  );
  const model = readOnnx(readFileSync(join(cwd, 'acnet.onnx')));
  expect(model.graph.name).toBe('acnet');
  expect(model.graph.values.get('features.0.conv.weight')?.initializer?.shape).toEqual([32, 1, 3, 3]);
});

test('--json, options, an open batch size', async () => {
  const args = [
    'build',
    'googlenet',
    '--no-aux',
    '--num-classes',
    '7',
    '--image-size',
    '97',
    '--batch',
    'N',
    '--opset',
    '18',
  ];
  const result = await cnnx([...args, '--transform-input', '--softmax', '--json', '-o', 'g.onnx'], { cwd });
  expect(JSON.parse(result.stdout)).toMatchObject({
    file: 'g.onnx',
    architecture: 'googlenet',
    input: { name: 'input', type: 'float32[N,3,97,97]' },
    outputs: [
      { name: 'logits', type: 'float32[N,7]' },
      { name: 'probas', type: 'float32[N,7]' },
    ],
    config: { aux: false, transformInput: true },
  });
  expect(readOnnx(readFileSync(join(cwd, 'g.onnx'))).opset('')).toBe(18);
});

test('seeds: the same one gives the same file, another one another', async () => {
  const files = [];
  for (const [file, seed] of [
    ['a.onnx', '1'],
    ['b.onnx', '1'],
    ['c.onnx', '2'],
  ] as const) {
    await cnnx(['build', 'mnist_net', '--seed', seed, '-o', file], { cwd });
    files.push(readFileSync(join(cwd, file)));
  }
  expect(files[0]?.equals(files[1] ?? new Uint8Array(0))).toBe(true);
  expect(files[0]?.equals(files[2] ?? new Uint8Array(0))).toBe(false);
});

test('a card is copied, edited and built', async () => {
  const card = await cnnx(['list', '--card', 'resnet18'], { cwd });
  writeFileSync(join(cwd, 'mine.json'), card.stdout.replace('"numClasses": 1000', '"numClasses": 5'));
  const built = await cnnx(['build', './mine.json', '-o', 'mine.onnx'], { cwd });
  expect(built.stdout).toMatch(/^mine\.onnx: my_resnet18, 11,179,077 parameters; .* logits float32\[1,5\]\n$/);
  writeFileSync(join(cwd, 'bad.json'), card.stdout.replace('"block": "basic"', '"block": "basics"'));
  const refused = await cnnx(['build', 'bad.json'], { cwd });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/field variants\.my_resnet18\.block: found "basics"; allowed is .*"basic"/);
});

test.each([
  [['build', 'rsnet50'], /no architecture rsnet50\n {2}hint: did you mean resnet50/],
  [
    ['build', 'inception_v3', '--image-size', '16'],
    /3x3 window does not fit .* 2 x 2 pixels\n {2}at: node Conv2d_4a_3x3\.conv\n {2}hint: .* 299 x 299/,
  ],
  [['build', 'acnet', '--init', 'gold'], /original, golden, or golden:FILE/],
  [['build', 'acnet', '--batch', '0'], /from 1 on/],
  [['build', 'acnet', '--init', 'golden:nothere.json'], /nothere\.json/],
])('%j is refused in words', async (args, message) => {
  const before = readdirSync(cwd);
  const result = await cnnx(args, { cwd });
  expect([2, 4]).toContain(result.code);
  expect(result.stdout).toBe('');
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/^\s+at .*\.js:\d+/m);
  expect(readdirSync(cwd)).toEqual(before);
});

test('an unwritable place is told before anything is built, and nothing stays', async () => {
  const result = await cnnx(['build', 'acnet', '-o', 'no/such/folder/a.onnx'], { cwd });
  expect(result.code).toBe(4);
  expect(result.stderr).toMatch(/no\/such\/folder/);
});

async function listed(...words: string[]): Promise<readonly { name: string; params: number }[]> {
  const { stdout } = await cnnx(['list', ...words, '--json']);
  return (JSON.parse(stdout) as { architectures: { name: string; params: number }[] }).architectures;
}

test('list filters by a word, in names first', async () => {
  const all = await listed();
  expect(all.find((r) => r.name === 'resnet50')).toMatchObject({ params: 25557032 });
  const some = await listed('resnext');
  expect(some.map((r) => r.name)).toEqual([
    'resnext50_32x4d',
    'resnext101_32x8d',
    'resnext101_64x4d',
    'resnext_cifar_3_4_6_3',
    'resnext_cifar_2_2_2_2',
  ]);
  const table = (await cnnx(['list', 'densenet121'])).stdout.trimEnd().split('\n');
  expect(table).toHaveLength(2);
  expect(table[1]).toMatch(/densenet121 +8\.0 +2\.83 +\d+\.\d +3x224x224/);
});

test('a name is found however it is spelt, and lists of numbers need no brackets', async () => {
  for (const name of ['ResNet18', 'resnet-18', 'ResNeXt50-32x4d']) {
    const { code, stdout } = await cnnx(['build', name, '--set', 'layers=1,1,1,1', '-o', 'spelt.onnx', '--json'], {
      cwd,
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      architecture: name.toLowerCase().replace('resnet-18', 'resnet18').replace('-', '_'),
      config: { layers: [1, 1, 1, 1] },
    });
  }
  const unknown = await cnnx(['build', 'resnet-19', '-o', 'never.onnx'], { cwd });
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('did you mean');
});
