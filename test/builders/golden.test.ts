import { expect, test } from 'vitest';
import { goldenFill, goldenStream } from '../../src/builders/golden.js';
import type { ParamKind } from '../../src/builders/params.js';

const bits = (x: number): string => `0x${new Uint32Array(Float32Array.of(x).buffer)[0]?.toString(16).padStart(8, '0')}`;

// The worked examples that come with the definition.
test.each([
  ['conv1.weight', 'conv.weight', [64, 3, 7, 7], 1, 0, '0x3e3c0508'],
  ['conv1.weight', 'conv.weight', [64, 3, 7, 7], 1, 9407, '0xbd6acece'],
  ['bn1.weight', 'norm.weight', [64], 1, 0, '0x3f4dae80'],
  ['bn1.running_var', 'norm.running_var', [64], 1, 63, '0x3f91161e'],
  ['bn1.running_var', 'norm.running_var', [64], 2, 63, '0x4011161e'],
  ['fc.bias', 'linear.bias', [1000], 1, 999, '0xbcc73c79'],
  ['features.1.0.layer_scale', 'layer_scale', [96, 1, 1], 1, 0, '0x3f01a28f'],
] as const)('%s, a %s of %j with c = %d: element %d is %s', (name, kind: ParamKind, shape, c, index, expected) => {
  const out = new Float32Array(1);
  const param = { name, dtype: 'float32', shape, kind, distribution: { kind: 'constant', value: 0 } } as const;
  goldenFill(new Map([[name, c]]))(out, param, index);
  expect(bits(out[0] ?? 0)).toBe(expected);
});

test('the input', () => {
  const out = new Float32Array(3 * 224 * 224);
  goldenStream(out, 'input', 0, 1);
  expect(bits(out[0] ?? 0)).toBe('0x3f191adf');
  expect(bits(out.at(-1) ?? 0)).toBe('0xbee93e27');
});
