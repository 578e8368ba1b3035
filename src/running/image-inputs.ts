import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Model } from '../graph/ir.js';
import type { ImageForm, Layout } from '../tensor/image-tensor.js';
import { imagenetSteps, type ImageSteps, parseSteps } from '../tensor/preprocess.js';
import { type Port, portText } from './session.js';

/** The input of a model that takes images: N,C,H,W or N,H,W,C. */
export interface ImageInput extends ImageForm {
  readonly name: string;
  /** Undefined where the model leaves them open. */
  readonly batch: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/** Which input takes the images, where a model has several that could. */
export interface ImageInputChoice {
  /** Which input, where several could take images. */
  readonly name?: string | undefined;
  /** Found by where 1 or 3 stands if absent; N,C,H,W where both fit. */
  readonly layout?: Layout | undefined;
}

/** Pixels a side for a model that leaves its size open and does not say what it was trained on. */
const DEFAULT_SIDE = 224;

/** The only input that can take images, or the one that is named. Throws `image/input`. */
export function imageInput(ports: readonly Port[], { name, layout }: ImageInputChoice = {}): ImageInput {
  const shown = ports.map(portText).join(', ');
  const candidates = ports.flatMap((port) => asImageInput(port, layout) ?? []);
  const chosen = name === undefined ? candidates : candidates.filter((c) => c.name === name);
  const [only, second] = chosen;
  if (only && !second) return only;
  const axes = layout === 'nhwc' ? '[N,H,W,C]' : layout === 'nchw' ? '[N,C,H,W]' : '[N,C,H,W] or [N,H,W,C]';
  throw new CnnxError(
    'image/input',
    second
      ? `${chosen.length} inputs could take an image: ${chosen.map((c) => printable(c.name)).join(', ')}`
      : `no input${name === undefined ? '' : ` named ${printable(name)}`} takes an image: float32, float16 or uint8 ${axes} with 1 or 3 channels`,
    { hint: second ? 'choose one with --image-input, and give the others with --input' : `the inputs are ${shown}` },
  );
}

const AXES = { nchw: { channels: 1, height: 2, width: 3 }, nhwc: { channels: 3, height: 1, width: 2 } } as const;

function asImageInput({ name, dtype, shape }: Port, layout: Layout | undefined): ImageInput | undefined {
  if ((dtype !== 'float32' && dtype !== 'float16' && dtype !== 'uint8') || shape.length !== 4) return undefined;
  for (const found of layout ? [layout] : (['nchw', 'nhwc'] as const)) {
    const axes = AXES[found];
    const size = (axis: number): number | undefined => {
      const d = shape[axis];
      return typeof d === 'number' ? d : undefined;
    };
    // An open number of channels is three where the layout is given: nothing else is known of it.
    const channels = size(axes.channels) ?? (layout ? 3 : undefined);
    if (channels !== 1 && channels !== 3) continue;
    return {
      name,
      dtype,
      channels,
      layout: found,
      batch: size(0),
      height: size(axes.height),
      width: size(axes.width),
    };
  }
  return undefined;
}

/** How images become the input of a model, and who says so. */
export interface ChosenSteps {
  readonly steps: ImageSteps;
  /** Whether the model itself says so, under `cnnx.preprocess`. */
  readonly declared: boolean;
}

/**
 * What is left to do of an image before it is this input: what the model's metadata says less what its graph does, otherwise ImageNet's way in
 * proportion to its size. Throws `image/preprocess`.
 */
export function stepsFor(model: Model, input: ImageInput): ChosenSteps {
  const declared = declaredSteps(model);
  if (declared) {
    const done = declared.inside === 'all';
    return { steps: done ? { ...declared, resize: undefined, crop: undefined } : declared, declared: true };
  }
  const steps = imagenetSteps(input.height ?? DEFAULT_SIDE);
  const square = input.height === input.width;
  return {
    declared: false,
    steps: {
      ...steps,
      ...(!square && { resize: [input.height ?? DEFAULT_SIDE, input.width ?? DEFAULT_SIDE] as const, crop: undefined }),
      ...(input.channels === 1 && { mean: [0.5], std: [0.5] }),
    },
  };
}

/** What a model's metadata says of how images become its input. Throws `image/preprocess`. */
export function declaredSteps(model: Model): ImageSteps | undefined {
  const entry = model.metadata.find((m) => m.key === PREPROCESS_KEY);
  return entry && parseSteps(entry.value);
}

export const PREPROCESS_KEY = 'cnnx.preprocess';
