import { describe, expect, test } from 'vitest';
import { Editor } from '../../src/graph/edit.js';
import { imageInput, PREPROCESS_KEY, stepsFor } from '../../src/running/image-inputs.js';
import type { Port } from '../../src/running/session.js';
import { parseGraph } from '../../src/text/parse.js';

const port = (dtype: Port['dtype'], ...shape: (number | string)[]): Port => ({ name: 'x', dtype, shape });

describe('inputs that take images', () => {
  test.each([
    [port('float32', 1, 3, 224, 224), { layout: 'nchw', channels: 3, batch: 1, height: 224, width: 224 }],
    [port('float32', 'n', 224, 192, 3), { layout: 'nhwc', channels: 3, batch: undefined, height: 224, width: 192 }],
    [port('uint8', 'n', 'h', 'w', 3), { layout: 'nhwc', dtype: 'uint8', height: undefined, width: undefined }],
    [port('float16', 2, 1, 28, 28), { layout: 'nchw', channels: 1, dtype: 'float16' }],
    [port('float32', 1, 28, 28, 1), { layout: 'nhwc', channels: 1 }],
  ])('$0.shape', (input, expected) => expect(imageInput([input])).toMatchObject(expected));

  test('a layout that is given goes before what sizes say', () => {
    expect(imageInput([port('float32', 1, 3, 5, 3)], { layout: 'nhwc' })).toMatchObject({ height: 3, width: 5 });
    expect(imageInput([port('float32', 'n', 'h', 'w', 'c')], { layout: 'nhwc' })).toMatchObject({ channels: 3 });
  });

  test.each([
    [port('float32', 'n', 'h', 'w', 'c'), {}],
    [port('float32', 1, 224, 224, 3), { layout: 'nchw' as const }],
    [port('int64', 1, 3, 224, 224), {}],
    [port('float32', 3, 224, 224), {}],
  ])('others are refused: $0.dtype $0.shape', (input, choice) =>
    expect(() => imageInput([input], choice)).toThrow(expect.objectContaining({ code: 'image/input' })),
  );
});

describe('what is left to do of an image', () => {
  const says = (json: object): ReturnType<typeof stepsFor> => {
    const model = parseGraph('(x: uint8[n,8,8,3]) -> (y)\n y = Identity(x)');
    new Editor(model).setHeader({ metadata: [{ key: PREPROCESS_KEY, value: JSON.stringify(json) }] });
    return stepsFor(model, imageInput([port('uint8', 'n', 8, 8, 3)]));
  };
  const base = { resize: 256, crop: 224, mean: [0, 0, 0], std: [1, 1, 1] };

  test('all of it where the graph does nothing', () =>
    expect(says(base)).toMatchObject({ declared: true, steps: { resize: 256, crop: 224 } }));
  test('its size where the graph normalises', () =>
    expect(says({ ...base, inside: 'normalize' }).steps).toMatchObject({ resize: 256, crop: 224 }));
  test('nothing where the graph does all of it', () =>
    expect(says({ ...base, inside: 'all' }).steps).toMatchObject({ resize: undefined, crop: undefined }));
  test.each([{ inside: 'some' }, { scale: 0 }, { channels: 'grb' }])('%j is refused', (wrong) =>
    expect(() => says({ ...base, ...wrong })).toThrow(expect.objectContaining({ code: 'image/preprocess' })),
  );
});
