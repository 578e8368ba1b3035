import { describe, expect, test } from 'vitest';
import { findVariant } from '../../src/builders/index.js';
import { chooseCheckpoint, impliedOptions, publishedCheckpoint } from '../../src/weights/index.js';

// Facts of torchvision: models/googlenet.py and models/inception.py set transform_input for their official weights; GoogLeNet drops its aux.
describe('what the official weights imply', () => {
  test.each([
    ['googlenet', { transformInput: true, aux: false }],
    ['inception_v3', { transformInput: true }],
  ])('%s', (name, implied) => {
    const { config, warnings } = impliedOptions(chooseCheckpoint(findVariant(name)), {});
    expect(config).toEqual(implied);
    expect(warnings).toEqual([]);
  });

  test("the caller's word counts, with a warning", () => {
    const checkpoint = chooseCheckpoint(findVariant('googlenet'));
    const { config, warnings } = impliedOptions(checkpoint, { transformInput: false, numClasses: 10 });
    expect(config).toEqual({ transformInput: false, aux: false, numClasses: 10 });
    expect(warnings).toEqual([expect.stringMatching(/googlenet-1378be20\.pth was trained with transformInput true/)]);
  });

  test('saying the same is no reason for a warning', () => {
    expect(impliedOptions(chooseCheckpoint(findVariant('googlenet')), { aux: false }).warnings).toEqual([]);
  });
});

test('a published file is known by its name', () => {
  const variant = findVariant('resnet50');
  expect(publishedCheckpoint(variant, 'resnet50-11ad3fa6.pth')?.name).toBe('IMAGENET1K_V2');
  expect(publishedCheckpoint(variant, 'my.pth')).toBeUndefined();
});

test('the last of the list is the default, others go by name', () => {
  const variant = findVariant('resnet50');
  expect(chooseCheckpoint(variant).file).toBe('resnet50-11ad3fa6.pth');
  expect(chooseCheckpoint(variant, 'IMAGENET1K_V1').file).toBe('resnet50-0676ba61.pth');
  expect(() => chooseCheckpoint(variant, 'V3')).toThrow(
    expect.objectContaining({
      code: 'weights/not-published',
      message: expect.stringContaining('IMAGENET1K_V1, IMAGENET1K_V2'),
    }),
  );
  expect(() => chooseCheckpoint(findVariant('acnet'))).toThrow(
    expect.objectContaining({ code: 'weights/not-published' }),
  );
});
