import { describe, expect, test } from 'vitest';
import { imagenetLabels, imagenetSynsets } from '../../src/node/files/labels.js';
import { classIndices, type ClassNames } from '../../src/running/class-indices.js';
import type { Label, Samples } from '../../src/running/samples.js';

const data = (classes: readonly string[] | undefined, label: Label = classes?.[0] ?? 0): Samples => ({
  count: 1,
  description: 'data',
  classes,
  name: () => 'x.png',
  label: () => label,
  read: () => Promise.reject(new Error('not read')),
});

const indexOf = (classes: readonly string[], count: number, label: string, names: ClassNames = {}): number =>
  classIndices(data(classes), count, names).of(label);

describe('names become indices', () => {
  test('in sorted order, as torchvision counts folders', () => expect(indexOf(['0', '1', '10', '2'], 4, '2')).toBe(3));
  test('by the names that are given, whatever stands between words', () =>
    expect(
      indexOf(['great_white_shark', 'owl'], 3, 'great_white_shark', { given: ['owl', 'cat', 'Great white shark'] }),
    ).toBe(2));
  test("by ImageNet's identifiers, of which a few may be there", async () => {
    const names = { imagenet: await imagenetLabels(), synsets: await imagenetSynsets() };
    expect(indexOf(['n01440764', 'n03028079', 'n15075141'], 1000, 'n15075141', names)).toBe(999);
    expect(classIndices(data(['n01440764', 'n15075141']), 1000, names).names?.[999]).toBe(names.imagenet[999]);
    expect(indexOf(['goldfish', 'tench'], 1000, 'goldfish', names)).toBe(1);
  });
  test('folders that are numbers, of which some are missing', () => expect(indexOf(['3', '7'], 10, '7')).toBe(7));
  test('numbers as they are', () => expect(classIndices(data(undefined, 4), 10, {}).of(4)).toBe(4));
});

test("ImageNet's identifiers are sorted: a full set of folders has the same order either way", async () => {
  const synsets = await imagenetSynsets();
  expect(synsets).toHaveLength(1000);
  expect(synsets.every((s) => /^n\d{8}$/.test(s))).toBe(true);
  expect([...synsets].sort()).toEqual(synsets);
});

describe('what cannot be told is refused', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['fewer folders than classes', () => indexOf(['cat', 'dog'], 10, 'cat'), /2 classes and the model 10/],
    [
      'a folder that no name fits',
      () => indexOf(['cat', 'dgo'], 2, 'cat', { given: ['cat', 'dog'] }),
      /dgo is not one of the 2 names/,
    ],
    [
      'a number beyond the classes',
      () => classIndices(data(undefined, 0), 10, {}).of(10),
      /the class 10, and the model has 10/,
    ],
  ])('%s', (_what, act, message) => {
    expect(act).toThrow(expect.objectContaining({ code: 'data/classes' }));
    expect(act).toThrow(message);
  });
});
