import type { Stage } from './regnet-widths.js';
import { roundEven } from './rounding.js';

/** What a network of stages costs for one image: in closed form, since a design space is searched by the ten thousand. */
export interface NetworkCosts {
  /** Trainable parameters. */
  readonly params: number;
  /** Multiply-accumulates of convolutions and linear layers. */
  readonly macs: number;
  /** Elements of the outputs of all convolutions. */
  readonly activations: number;
}

export interface Frame {
  readonly stemWidth: number;
  readonly seRatio: number | undefined;
  readonly imageSize: number;
  readonly inChannels: number;
  readonly numClasses: number;
}

export const DEFAULT_FRAME: Frame = {
  stemWidth: 32,
  seRatio: undefined,
  imageSize: 224,
  inChannels: 3,
  numClasses: 1000,
};

/** The same figures as `costs` has for the built network (AnyNet and RegNet, every stage of stride 2), without building it. */
export function networkCosts(stages: readonly Stage[], frame: Frame = DEFAULT_FRAME): NetworkCosts {
  const sum = { params: 0, macs: 0, activations: 0 };
  /** A convolution and its BatchNormalization, to maps of `side` x `side`. */
  const convBn = (inputs: number, out: number, kernel: number, groups: number, side: number): void => {
    const weights = (inputs / groups) * out * kernel * kernel;
    sum.params += weights + 2 * out;
    sum.macs += weights * side * side;
    sum.activations += out * side * side;
  };
  /** The two 1x1 convolutions of squeeze and excitation, on maps of one pixel. */
  const excite = (inner: number, squeezed: number): void => {
    sum.params += 2 * inner * squeezed + inner + squeezed;
    sum.macs += 2 * inner * squeezed;
    sum.activations += inner + squeezed;
  };
  let side = half(frame.imageSize);
  convBn(frame.inChannels, frame.stemWidth, 3, 1, side);
  let channels = frame.stemWidth;
  for (const { width, depth, groupWidth, bottleneckRatio } of stages) {
    const inner = Math.max(1, roundEven(width / bottleneckRatio));
    for (let i = 0; i < depth; i++) {
      const out = i === 0 ? half(side) : side;
      if (i === 0) convBn(channels, width, 1, 1, out);
      convBn(channels, inner, 1, 1, side);
      convBn(inner, inner, 3, inner / groupWidth, out);
      if (frame.seRatio !== undefined) excite(inner, Math.max(1, roundEven(frame.seRatio * channels)));
      convBn(inner, width, 1, 1, out);
      channels = width;
      side = out;
    }
  }
  sum.params += (channels + 1) * frame.numClasses;
  sum.macs += channels * frame.numClasses;
  return sum;
}

/** The side of a map behind a 3x3 convolution of stride 2 and padding 1. */
const half = (side: number): number => Math.floor((side - 1) / 2) + 1;
