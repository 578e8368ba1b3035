import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { Model } from '../graph/ir.js';
import { imagenetSteps, type ImageSteps, parseSteps } from '../tensor/preprocess.js';
import { type Port, portText } from './session.js';

/** The input of a model that takes images: N,C,H,W. */
export interface ImageInput {
  readonly name: string;
  readonly dtype: 'float32' | 'float16';
  readonly channels: 1 | 3;
  /** Undefined where the model leaves them open. */
  readonly batch: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/** Pixels a side for a model that leaves its size open and does not say what it was trained on. */
const DEFAULT_SIDE = 224;

/** The only input that can take images, or the one that is named. Throws `image/input`. */
export function imageInput(ports: readonly Port[], name?: string): ImageInput {
  const shown = ports.map(portText).join(', ');
  const candidates = ports.flatMap((port) => asImageInput(port) ?? []);
  const chosen = name === undefined ? candidates : candidates.filter((c) => c.name === name);
  const [only, second] = chosen;
  if (only && !second) return only;
  throw new CnnxError(
    'image/input',
    second
      ? `${chosen.length} inputs could take an image: ${chosen.map((c) => printable(c.name)).join(', ')}`
      : `no input${name === undefined ? '' : ` named ${printable(name)}`} takes an image: float32 or float16 [N,C,H,W] with 1 or 3 channels`,
    { hint: second ? 'choose one with --image-input, and give the others with --input' : `the inputs are ${shown}` },
  );
}

function asImageInput({ name, dtype, shape }: Port): ImageInput | undefined {
  if ((dtype !== 'float32' && dtype !== 'float16') || shape.length !== 4) return undefined;
  const [batch, channels, height, width] = shape.map((d) => (typeof d === 'number' ? d : undefined));
  if (channels !== 1 && channels !== 3) return undefined;
  return { name, dtype, channels, batch, height, width };
}

export interface ChosenSteps {
  readonly steps: ImageSteps;
  /** Whether the model itself says so, under `cnnx.preprocess`. */
  readonly declared: boolean;
}

/** How images become this input: what the model's metadata says, otherwise ImageNet's way in proportion to its size. Throws `image/preprocess`. */
export function stepsFor(model: Model, input: ImageInput): ChosenSteps {
  const entry = model.metadata.find((m) => m.key === 'cnnx.preprocess');
  if (entry) return { steps: parseSteps(entry.value), declared: true };
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
