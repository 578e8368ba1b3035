import type { DType } from '../tensor/dtype.js';

/** How a picture is given: normalised as for ImageNet (about -2 to 2), from 0 to 1, or from 0 to 255. */
export type Picture = 'normalised' | 'unit' | 'pixels';

/** Pixels a side from which on something can be seen. */
const LEAST_SIDE = 16;

/** Whether an input could be images, N,C,H,W or N,H,W,C with up to four channels. */
export function isPicture(dtype: DType, shape: readonly number[]): boolean {
  if (shape.length !== 4 || !/^(b?float|uint8)/.test(dtype)) return false;
  const at = layout(shape);
  return at !== undefined && at.height >= LEAST_SIDE && at.width >= LEAST_SIDE;
}

interface Layout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly last: boolean;
}

function layout([, a = 0, b = 0, c = 0]: readonly number[]): Layout | undefined {
  if (a >= 1 && a <= 4) return { channels: a, height: b, width: c, last: false };
  return c >= 1 && c <= 4 ? { channels: c, height: a, width: b, last: true } : undefined;
}

const WAVES = 5;
const BOXES = 6;

/**
 * Numbers of a picture by their place in the tensor: waves of light, and boxes with sharp edges, so that detectors find
 * something.
 */
export function pictureOf(
  picture: Picture,
  dtype: DType,
  shape: readonly number[],
  random: () => number,
): (i: number) => number {
  const { channels, height, width, last } = layout(shape) ?? { channels: 1, height: 1, width: 1, last: false };
  const images = Array.from({ length: (shape[0] ?? 1) * channels }, () => ({
    waves: Array.from(
      { length: WAVES },
      () => [random() * 8, random() * 8, random() * 2 * Math.PI, random() - 0.5] as const,
    ),
    level: random() - 0.5,
  }));
  // The boxes of an image stand in all its channels, in another colour in each.
  const boxes = Array.from({ length: shape[0] ?? 1 }, () =>
    Array.from({ length: BOXES }, () => {
      const [y, x] = [random() * 0.8, random() * 0.8];
      const colour = Array.from({ length: channels }, () => 2 * random() - 1);
      return { top: y, left: x, bottom: y + 0.1 + random() / 2, right: x + 0.1 + random() / 2, colour };
    }),
  );
  const value = (n: number, c: number, y: number, x: number): number => {
    const { waves, level } = images[n * channels + c] ?? { waves: [], level: 0 };
    let v = level;
    for (const [fy, fx, phase, strength] of waves) v += strength * Math.cos(2 * Math.PI * (fy * y + fx * x) + phase);
    for (const b of boxes[n] ?? []) if (y >= b.top && y < b.bottom && x >= b.left && x < b.right) v = b.colour[c] ?? 0;
    return v + 0.05 * (random() - 0.5);
  };
  const scale = dtype === 'uint8' ? 'pixels' : picture;
  return (i) => {
    const [inner, outer] = last ? [i % channels, Math.floor(i / channels)] : [0, i];
    const x = outer % width;
    const y = Math.floor(outer / width) % height;
    const rest = Math.floor(outer / (width * height));
    const [n, c] = last ? [rest, inner] : [Math.floor(rest / channels), rest % channels];
    const v = value(n, c, y / height, x / width);
    if (scale === 'normalised') return 2 * v;
    const unit = Math.min(1, Math.max(0, 0.5 + v / 2));
    return scale === 'unit' ? unit : dtype === 'uint8' ? Math.round(255 * unit) : 255 * unit;
  };
}
