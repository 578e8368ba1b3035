import { expect, test } from 'vitest';
import { accuracyOf, type Prediction } from '../../src/verify/accuracy.js';

/** Eight images of three classes, and what two models said; counted by hand below. */
const SAID: readonly [number, readonly number[], readonly number[]][] = [
  [0, [0, 1], [0, 1]],
  [0, [0, 2], [1, 0]],
  [0, [2, 0], [1, 2]],
  [1, [1, 0], [1, 2]],
  [1, [0, 1], [1, 0]],
  [1, [0, 2], [2, 0]],
  [2, [2, 1], [2, 1]],
  [2, [2, 1], [0, 2]],
];
const predictions: readonly Prediction[] = SAID.map(([truth, a, b], index) => ({
  index,
  image: `${index}.png`,
  truth,
  best: [a, b],
}));
const { models, pairs } = accuracyOf(['a.onnx', 'b.onnx'], predictions, ['cat', 'dog', 'owl']);

test('top-1 and top-5 of each model', () => {
  expect(models.map((m) => [m.file, m.top1.correct, m.top1.of, m.top5.correct])).toEqual([
    ['a.onnx', 5, 8, 7],
    ['b.onnx', 4, 8, 6],
  ]);
  expect(models[0]?.top1.percent).toBe(62.5);
});

test('by class, and which are taken for which', () => {
  expect(models[0]?.classes.map((c) => [c.index, c.name, c.correct, c.of, c.predicted])).toEqual([
    [0, 'cat', 2, 3, 4],
    [1, 'dog', 1, 3, 1],
    [2, 'owl', 2, 2, 3],
  ]);
  expect(models[0]?.confusions).toEqual([
    { truth: 1, predicted: 0, count: 2 },
    { truth: 0, predicted: 2, count: 1 },
  ]);
});

test('two models, image by image', () => {
  const [pair] = pairs;
  expect(pairs).toHaveLength(1);
  expect(pair?.agreement).toMatchObject({ correct: 3, of: 8 });
  expect(pair?.mcnemar).toMatchObject({ onlyFirst: 2, onlySecond: 1, exact: 1, midP: 0.625 });
  expect(pair?.apart.map((a) => a.image)).toEqual(['1.png', '2.png', '4.png', '5.png', '7.png']);
  expect(pair?.apart[1]).toEqual({ image: '2.png', truth: 0, first: 2, second: 1 });
});
