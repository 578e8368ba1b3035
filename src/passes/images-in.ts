import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { Editor } from '../graph/edit.js';
import type { Model, Value } from '../graph/ir.js';
import { type Dim, isTensorType, tensorType } from '../graph/types.js';
import { Cast, Transpose } from '../ops/index.js';
import { type ImageInput, PREPROCESS_KEY } from '../running/image-inputs.js';
import { dtypeCode } from '../tensor/dtype.js';
import type { ImageSteps } from '../tensor/preprocess.js';
import { colours, firstConvolutions, foldInto, type Folded, normalized, normalOf } from './images-in-normalize.js';
import {
  ANTIALIAS_OPSET,
  antialiases,
  fixedGeometry,
  type Front,
  openGeometry,
  resizedSize,
  type Size,
  toFloat,
} from './images-in-geometry.js';

/** Pixels that come in: of one size, of any size, or already resized and cropped to the size that the network takes. */
export type ImageSource = Size | 'any' | 'network';

/** What is to be put into a model's graph. */
export interface ImagesIn {
  /** The input that takes images. */
  readonly input: ImageInput;
  /** How an image becomes that input. */
  readonly steps: ImageSteps;
  readonly source: ImageSource;
}

/** What was put into a model's graph. */
export interface ImagesInReport {
  readonly input: string;
  /** N,H,W,3; names for open sizes. */
  readonly shape: readonly Dim[];
  /** The value that holds the pixels as the network sees them: float32, N,C,H,W, 0..255. */
  readonly pixels: string;
  /** How much of the normalisation went into the first convolutions; the rest stands before them. */
  readonly folded: Folded;
}

/** Operators of fewer sets than this have other signatures than the ones that are put in. */
const LEAST_OPSET = 11;

/**
 * Puts what is done with an image before a model into the model, in place: its input becomes uint8 N,H,W,3 under the same name, and resizing,
 * cropping, order of axes and colours, and normalisation are nodes. Metadata says so. Throws `convert/images-in`.
 */
export function imagesIn(model: Model, { input, steps, source }: ImagesIn): ImagesInReport {
  const { graph } = model;
  const old = graph.inputs.find((v) => v.name === input.name);
  if (!old) throw new Error(`bug: no input ${input.name}`);
  const network = refuseMisfits(model, { input, steps, source });
  const edit = new Editor(model);
  const { name } = old;
  edit.rename(old, edit.freshName(`${name}_normalized`));
  const batch = (isTensorType(old.type) ? old.type.shape?.[0] : undefined) ?? 'N';
  const size: [Dim, Dim] =
    source === 'any'
      ? ['height', 'width']
      : source === 'network'
        ? [network.height, network.width]
        : [source.height, source.width];
  const shape = [batch, ...size, 3];
  const fed = edit.addInput(graph, name, tensorType('uint8', shape));
  const front: Front = { edit, graph, before: graph.first };
  const pixels = pixelsOf(front, fed, { input, steps, source });
  const { value, folded } = normalizedFor(front, pixels, old, input, steps);
  edit.replaceUses(old, value);
  edit.removeUnused(old);
  edit.setHeader({ metadata: declared(model, steps, source) });
  return { input: name, shape, pixels: pixels.name, folded };
}

/** The size of what the network takes, after the steps. */
function refuseMisfits(model: Model, { input, steps, source }: ImagesIn): { height: Dim; width: Dim } {
  const refuse = (what: string, hint: string): CnnxError =>
    new CnnxError('convert/images-in', what, { hint, at: { value: input.name } });
  const opset = model.opset('') ?? 0;
  if (input.dtype === 'uint8')
    throw refuse(`the input ${printable(input.name)} takes pixels (uint8) already`, 'nothing is left to put before it');
  if (opset < LEAST_OPSET)
    throw refuse(`opset ${opset}; ${LEAST_OPSET} is the least`, 'export the model with a later one');
  if (source === 'any' && steps.resize !== undefined && steps.interpolation !== 'nearest' && opset < ANTIALIAS_OPSET)
    throw refuse(
      `opset ${opset} has no Resize that takes all pixels into account when it shrinks (antialias); ${ANTIALIAS_OPSET} has`,
      'fix the size of the images: --source-size HEIGHT,WIDTH works from opset 11 on',
    );
  const made = source === 'network' ? input : madeSize(steps, source);
  for (const axis of ['height', 'width'] as const)
    if (input[axis] !== undefined && made[axis] !== input[axis])
      throw refuse(
        `the steps make images of ${made.height ?? 'any'} x ${made.width ?? 'any'} pixels (height, width), and the network takes ${input.height} x ${input.width}`,
        'say with --resize and --crop how images become that size',
      );
  return { height: made.height ?? 'height', width: made.width ?? 'width' };
}

/** The size of images after the steps; undefined where it depends on the image. */
function madeSize({ resize, crop }: ImageSteps, source: Size | 'any'): { height?: number; width?: number } {
  if (crop !== undefined) return { height: crop, width: crop };
  if (typeof resize === 'object') return { height: resize[0], width: resize[1] };
  return source === 'any' ? {} : resizedSize(source, resize);
}

/** Pixels N,C,H,W of the network's size as float32, 0..255. */
function pixelsOf(front: Front, fed: Value, { input, steps, source }: ImagesIn): Value {
  const { edit, graph, before } = front;
  const planar = edit.add(graph, Transpose, { x: fed }, { perm: [0, 3, 1, 2] }, { before }).out.y;
  // Bytes as long as they are only moved, or resized by a kernel that knows them.
  const early = antialiases(graph) || source === 'network' ? planar : toFloat(front, planar);
  const sized =
    source === 'network'
      ? early
      : source === 'any'
        ? openGeometry(front, early, steps)
        : fixedGeometry(front, early, steps, source);
  const floats = isTensorType(sized.type) && sized.type.dtype === 'uint8' ? toFloat(front, sized) : sized;
  return colours(front, floats, input.channels, steps.channels);
}

function normalizedFor(
  front: Front,
  pixels: Value,
  old: Value,
  input: ImageInput,
  steps: ImageSteps,
): { readonly value: Value; readonly folded: Folded } {
  const { edit, graph, before } = front;
  const normal = normalOf(steps, input.channels);
  const first = input.layout === 'nchw' && input.dtype === 'float32' ? firstConvolutions(old) : undefined;
  const rest = first ? foldInto(front, first, normal) : { ...normal, folded: { factor: 0, shift: false } };
  const whole = normalized(front, pixels, rest);
  const typed =
    input.dtype === 'float16'
      ? edit.add(graph, Cast, { x: whole }, { to: dtypeCode('float16') }, { before }).out.y
      : whole;
  const value =
    input.layout === 'nhwc'
      ? edit.add(graph, Transpose, { x: typed }, { perm: [0, 2, 3, 1] }, { before }).out.y
      : typed;
  return { value, folded: rest.folded };
}

/** The metadata with what is inside. */
function declared(model: Model, steps: ImageSteps, source: ImageSource): Model['metadata'] {
  const { resize, crop, interpolation, mean, std, scale, channels } = steps;
  const inside = source === 'network' ? 'normalize' : 'all';
  const value = JSON.stringify({ resize, crop, interpolation, mean, std, scale, channels, inside });
  return [...model.metadata.filter((m) => m.key !== PREPROCESS_KEY), { key: PREPROCESS_KEY, value }];
}
