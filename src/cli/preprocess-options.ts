import { type Command, InvalidArgumentError, Option } from 'commander';
import { CnnxError, imageInput, type ImageSteps, type Layout, type Model, type Port, stepsFor } from '../index.js';
import type { ImagePlan } from '../running/classify.js';
import { COLOUR_ORDERS } from '../tensor/preprocess.js';
import { io } from './io.js';
import { count } from './options.js';

/** How images become inputs, on every command that takes images: over what the model's metadata says. */
export interface PreprocessOptions {
  readonly imageInput?: string;
  readonly layout?: Layout;
  readonly resize?: ImageSteps['resize'];
  readonly crop?: number;
  readonly interpolation?: ImageSteps['interpolation'];
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly scale?: number;
  readonly channels?: ImageSteps['channels'];
}

export const preprocessOptions = (command: Command): Command =>
  command
    .option('--image-input <name>', 'which input takes the images, where several could')
    .addOption(
      new Option('--layout <axes>', 'axes of that input, where its sizes do not say').choices(['nchw', 'nhwc']),
    )
    .option('--resize <pixels>', 'the shorter side, or HEIGHT,WIDTH; over what the model says of itself', size)
    .option('--crop <pixels>', 'the side of the square cut from the middle', count)
    .addOption(new Option('--interpolation <kind>', 'how pixels are mixed').choices(['nearest', 'bilinear', 'bicubic']))
    .option('--mean <values>', 'subtracted from each channel, after --scale; one value for all, or three', numbers)
    .option('--std <values>', 'each channel is divided by; one value for all, or three', divisors)
    .option('--scale <factor>', 'pixels, 0 to 255, are multiplied by this first; 1/255 if left out', factor)
    .addOption(new Option('--channels <order>', 'order of the colours in the input').choices(COLOUR_ORDERS));

/** What the options, then the model, then ImageNet's custom say; the last is told. Throws `image/input` and `image/preprocess`. */
export function imagePlan(model: Model, ports: readonly Port[], o: PreprocessOptions): ImagePlan {
  const input = imageInput(ports, { name: o.imageInput, layout: o.layout });
  const { steps, declared } = stepsFor(model, input);
  if (!declared && o.resize === undefined)
    io.note(
      `the model does not say how images become inputs: taking ImageNet's way at ${input.height ?? 'any'} pixels`,
    );
  const stray = (['mean', 'std', 'scale'] as const).find((name) => o[name] !== undefined);
  if (input.dtype === 'uint8' && stray !== undefined)
    throw new CnnxError('image/input', `the input takes pixels as they are (uint8), and --${stray} is given`, {
      hint: 'the model itself makes numbers of them: leave the option out',
    });
  return { input, steps: { ...steps, ...overrides(o, input.channels) } };
}

function overrides(o: PreprocessOptions, channels: number): Partial<ImageSteps> {
  // One value is for all channels.
  const forAll = (values: readonly number[]): readonly number[] =>
    values.length === 1 ? Array.from({ length: channels }, () => values[0] ?? 0) : values;
  return {
    ...(o.resize !== undefined && { resize: o.resize, crop: o.crop }),
    ...(o.crop !== undefined && { crop: o.crop }),
    ...(o.interpolation !== undefined && { interpolation: o.interpolation }),
    ...(o.mean && { mean: forAll(o.mean) }),
    ...(o.std && { std: forAll(o.std) }),
    ...(o.scale !== undefined && { scale: o.scale }),
    ...(o.channels !== undefined && { channels: o.channels }),
  };
}

/** What can be divided by. */
function divisors(text: string): readonly number[] {
  const list = numbers(text);
  if (list.includes(0)) throw new InvalidArgumentError('Nothing can be divided by 0.');
  return list;
}

function size(text: string): ImageSteps['resize'] {
  const sides = text.split(',').map(count);
  const [height = 0, width] = sides;
  if (sides.length > 2) throw new InvalidArgumentError('The shorter side, or HEIGHT,WIDTH.');
  return width === undefined ? height : [height, width];
}

function numbers(text: string): readonly number[] {
  const list = text.split(',').map((word) => (word.trim() === '' ? Number.NaN : Number(word)));
  if ((list.length !== 1 && list.length !== 3) || list.some((n) => !Number.isFinite(n)))
    throw new InvalidArgumentError('One number, or three with commas between them.');
  return list;
}

/** A number above 0, or a fraction such as 1/255. */
function factor(text: string): number {
  const [top = '', bottom = '1', more] = text.split('/');
  const value = Number(top) / Number(bottom);
  if (more !== undefined || top.trim() === '' || bottom.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('A number above 0, or a fraction such as 1/255.');
  return value;
}
