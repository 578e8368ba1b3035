/*
 * CIFAR's binary files (https://www.cs.toronto.edu/~kriz/cifar.html): records of one byte for the class (CIFAR-100: two, coarse and fine) and
 * 3,072 for 32 x 32 pixels, all of red, then green, then blue. There is no magic number: the size and the classes tell.
 */

const SIDE = 32;
const PLANE = SIDE * SIDE;
const KINDS = [
  { classes: 10, labels: 1 },
  { classes: 100, labels: 2 },
] as const;
const COARSE_CLASSES = 20;

export interface Cifar {
  readonly count: number;
  readonly classes: number;
  readonly side: number;
  /** The fine one. */
  label(index: number): number;
  /** Height x width x 3. */
  pixels(index: number): Uint8Array;
}

/** The records of a file, or undefined where it can be none of CIFAR's. */
export function readCifar(bytes: Uint8Array): Cifar | undefined {
  for (const { classes, labels } of KINDS) {
    const record = labels + 3 * PLANE;
    if (bytes.length === 0 || bytes.length % record !== 0) continue;
    const count = bytes.length / record;
    const label = (i: number): number => bytes[i * record + labels - 1] ?? 0;
    const fits = (i: number): boolean =>
      label(i) < classes && (labels === 1 || (bytes[i * record] ?? 0) < COARSE_CLASSES);
    if (!Array.from({ length: count }, (_, i) => i).every(fits)) continue;
    return {
      count,
      classes,
      side: SIDE,
      label,
      pixels: (i) => interleaved(bytes.subarray(i * record + labels, (i + 1) * record)),
    };
  }
  return undefined;
}

function interleaved(planes: Uint8Array): Uint8Array {
  const out = new Uint8Array(3 * PLANE);
  for (let i = 0; i < PLANE; i++) for (let c = 0; c < 3; c++) out[3 * i + c] = planes[c * PLANE + i] ?? 0;
  return out;
}
