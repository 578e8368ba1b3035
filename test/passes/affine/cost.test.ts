import { describe, expect, test } from 'vitest';
import type { Prefer } from '../../../src/passes/affine/cost.js';
import { fuse, operatorCounts } from '../../../src/passes/fuse.js';
import { expectEquivalent, typed } from '../../support/equivalence.js';
import { graph } from '../../support/lifts.js';

/** 1x3 and 3x1, 6 taps, whose sum has 9. */
const cross = (channels: number, groups = 1): string => {
  const conv = (y: string, taps: string, pads: string): string =>
    `${y} = Conv<group=${groups}, pads=[${pads}]>(x, w.${y}: float32[${channels},${channels / groups},${taps}])`;
  return graph(
    `x: float32[n,${channels},8,8]`,
    'y',
    conv('a', '1,3', '0,1,0,1'),
    conv('b', '3,1', '1,0,1,0'),
    'y = Add(a, b)',
  );
};
/** 1x1 and a mean of 2 x 2: as many multiply-accumulates as one 2x2, of four times the weights. */
const pooled = graph(
  'x: float32[n,16,8,8]',
  'y',
  'a = Conv(x, w: float32[16,16,1,1])',
  'y = AveragePool<kernel_shape=[2,2], strides=[2,2]>(a)',
);
/** An expansion and a projection: never made dense where that costs more. */
const bottleneck = graph(
  'x: float32[n,16,8,8]',
  'y',
  'a = Conv(x, v: float32[4,16,1,1])',
  'y = Conv(a, w: float32[16,4,1,1])',
);

const PREFERENCES: readonly (Prefer | undefined)[] = [undefined, 'speed', 'size', 'macs'];

describe('what counts most', () => {
  test.each([
    ['1x3 + 3x1 of many channels', cross(32), [3, 3, 3, 3]],
    ['1x3 + 3x1 of few channels', cross(8), [3, 1, 3, 3]],
    ['1x3 + 3x1, depthwise', cross(32, 32), [3, 1, 3, 3]],
    ['1x1 and a mean', pooled, [2, 2, 2, 1]],
    ['a bottleneck', bottleneck, [2, 2, 2, 2]],
  ] as const)('%s: nodes with nothing, speed, size, macs', async (_, text, nodes) => {
    const found: number[] = [];
    for (const prefer of PREFERENCES) {
      const [before, after] = [typed(text), typed(text)];
      await fuse(after, { prefer });
      found.push([...operatorCounts(after).values()].reduce((n, c) => n + c, 0));
      await expectEquivalent(before, after);
    }
    expect(found).toEqual(nodes);
  });
});
