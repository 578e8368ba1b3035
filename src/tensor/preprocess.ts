import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { type Box, centre, cropCentre, fitShorterSide, type Image, type Interpolation, resize } from './image.js';

/** How an image becomes an input: resized, its middle cut out, times `scale`, less `mean`, divided by `std`. */
export interface ImageSteps {
  /** The shorter side in pixels, or [height, width], which does not keep the proportions; as it stands if absent. */
  readonly resize?: number | readonly [number, number] | undefined;
  /** The side of the square cut from the middle. */
  readonly crop?: number | undefined;
  readonly interpolation: Interpolation;
  readonly mean: readonly number[];
  /** By channel of the input, as `mean`. */
  readonly std: readonly number[];
  /** Pixels, 0..255, are multiplied by this first; 1/255 if absent. */
  readonly scale?: number | undefined;
  /** In which order the input has its colours; red, green, blue if absent. */
  readonly channels?: ColourOrder | undefined;
  /** What the model's own graph does of this, and nobody does again; nothing if absent. */
  readonly inside?: Inside | undefined;
}

export const COLOUR_ORDERS = ['rgb', 'bgr'] as const;
export type ColourOrder = (typeof COLOUR_ORDERS)[number];

/** Everything, or all that comes after pixels have the size that the network takes. */
export const INSIDES = ['all', 'normalize'] as const;
export type Inside = (typeof INSIDES)[number];

/** ImageNet's statistics: what torchvision's networks were trained on. */
export const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
export const IMAGENET_STD = [0.229, 0.224, 0.225] as const;

/** torchvision's evaluation: the shorter side to 256, the middle 224; in proportion for other sizes. */
export const imagenetSteps = (side: number): ImageSteps => ({
  resize: Math.round((side * 256) / 224),
  crop: side,
  interpolation: 'bilinear',
  mean: IMAGENET_MEAN,
  std: IMAGENET_STD,
});

/** Pixels of the size that the network takes. Throws `image/size`. */
export function prepareImage(image: Image, steps: Pick<ImageSteps, 'resize' | 'crop' | 'interpolation'>): Image {
  const { resize: size = [image.height, image.width], crop, interpolation } = steps;
  const target = typeof size === 'number' ? fitShorterSide(image, size) : { height: size[0], width: size[1] };
  const box = crop === undefined ? undefined : middle(target, crop);
  const resized = resize(image, target.width, target.height, interpolation, box);
  return crop === undefined ? resized : cropCentre(resized, crop);
}

/** What a crop keeps of an image, which may be smaller than it. */
function middle({ width, height }: { width: number; height: number }, side: number): Box {
  return {
    left: Math.max(0, centre(width, side)),
    top: Math.max(0, centre(height, side)),
    width: Math.min(width, side),
    height: Math.min(height, side),
  };
}

const INTERPOLATIONS = ['nearest', 'bilinear', 'bicubic'] as const satisfies Interpolation[];

/** Reads the steps that a model's metadata has under `cnnx.preprocess`. Throws `image/preprocess`. */
export function parseSteps(text: string): ImageSteps {
  const bad = (what: string): CnnxError =>
    new CnnxError('image/preprocess', `the model's metadata cnnx.preprocess has ${what}: ${printable(text, 200)}`, {
      hint: 'say how images become inputs: --resize, --crop, --mean, --std',
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad('no JSON');
  }
  if (typeof json !== 'object' || json === null) throw bad('no object');
  const o = new Map<string, unknown>(Object.entries(json));
  const side = (x: unknown): x is number => typeof x === 'number' && Number.isInteger(x) && x > 0 && x <= MAX_SIDE;
  const numbers = (x: unknown): x is number[] =>
    Array.isArray(x) &&
    (x.length === 1 || x.length === 3) &&
    x.every((v) => typeof v === 'number' && Number.isFinite(v));
  const size = o.get('resize');
  const pair = Array.isArray(size) && size.length === 2 ? (size as unknown[]) : undefined;
  const [height, width] = pair ?? [];
  if (!side(size) && !(side(height) && side(width))) throw bad('no usable resize');
  const crop = o.get('crop');
  if (crop !== undefined && !side(crop)) throw bad('no usable crop');
  const interpolation = INTERPOLATIONS.find((i) => i === (o.get('interpolation') ?? 'bilinear'));
  if (interpolation === undefined) throw bad('no known interpolation');
  const mean = o.get('mean');
  const std = o.get('std');
  if (!numbers(mean) || !numbers(std) || mean.length !== std.length || std.includes(0))
    throw bad('no usable mean and std of one or three channels');
  const scale = o.get('scale');
  if (scale !== undefined && !(typeof scale === 'number' && Number.isFinite(scale) && scale > 0))
    throw bad('no usable scale');
  const channels = COLOUR_ORDERS.find((c) => c === (o.get('channels') ?? 'rgb'));
  if (channels === undefined) throw bad('no known order of channels');
  const inside = INSIDES.find((i) => i === o.get('inside'));
  if (o.has('inside') && inside === undefined) throw bad('an unknown inside');
  return {
    resize: side(size) ? size : [Number(height), Number(width)],
    crop,
    interpolation,
    mean,
    std,
    ...(scale !== undefined && { scale }),
    ...(channels !== 'rgb' && { channels }),
    ...(inside && { inside }),
  };
}

/** Networks take some hundred pixels a side; a file must not ask for more memory than any network would. */
const MAX_SIDE = 8192;
