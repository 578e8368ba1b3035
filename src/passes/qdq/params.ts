/** What integers of a tensor mean: real = (integer - zeroPoint) * scale. The scale is a float32. */
export interface Params {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly dtype: ActivationType;
}

export type ActivationType = 'uint8' | 'int8';

/** The real numbers that a tensor takes. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Scales below this would make products with them subnormal. */
const LEAST_SCALE = 2 ** -100;

/**
 * Parameters that cover a range, with zero among the representable numbers: padding and ReLU need it exact. Unsigned: from the least to the largest
 * number; signed: the same distance to both sides and zero point 0, as TensorRT asks.
 */
export function paramsFor({ low, high }: Range, dtype: ActivationType): Params {
  const least = Math.min(0, low);
  const most = Math.max(0, high);
  if (dtype === 'int8') return { dtype, zeroPoint: 0, scale: scaleOf(Math.max(-least, most) / 127) };
  const scale = scaleOf((most - least) / 255);
  return { dtype, scale, zeroPoint: Math.min(255, Math.max(0, Math.round(-least / scale))) };
}

/** A tensor that is zero everywhere can have any scale. */
const scaleOf = (exact: number): number => (exact < LEAST_SCALE ? 1 : Math.fround(exact));
