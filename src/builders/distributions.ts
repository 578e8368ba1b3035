import * as v from 'valibot';
import { never } from '../base/errors.js';
import { elementCount } from '../tensor/dtype.js';

/** The distribution that a parameter is drawn from at a fresh start. */
export type Distribution =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly std: number }
  /** A normal distribution conditioned on `low` <= x <= `high`; the limits are values, not multiples of `std`. */
  | { readonly kind: 'truncated-normal'; readonly std: number; readonly low: number; readonly high: number };

const fan = v.picklist(['in', 'out']);
const positive = v.pipe(v.number(), v.gtValue(0));

/** What a card says of a kind of layer; with the layer's size it becomes a `Distribution`. */
export const ruleSchema = v.variant('rule', [
  v.strictObject({ rule: v.literal('constant'), value: v.number() }),
  v.strictObject({ rule: v.literal('normal'), std: positive }),
  v.strictObject({ rule: v.literal('truncated-normal'), std: positive, low: v.number(), high: v.number() }),
  v.strictObject({ rule: v.literal('kaiming-normal'), fan }),
  v.strictObject({ rule: v.literal('uniform'), gain: positive, fan }),
]);

/**
 * `kaiming-normal`: N(0, 2 / fan). `uniform`: bound gain * sqrt(3 / fan). The fans are PyTorch's: weights per output (in) and per input
 * of a group (out).
 */
export type InitRule = v.InferOutput<typeof ruleSchema>;

/** PyTorch's default for convolutions and linear layers: weights and biases within 1 / sqrt(fan in) of the weight. */
export const TORCH_DEFAULT: InitRule = { rule: 'uniform', gain: Math.sqrt(1 / 3), fan: 'in' };

export const initSchema = v.strictObject({
  conv: v.optional(ruleSchema, TORCH_DEFAULT),
  convBias: v.optional(ruleSchema, TORCH_DEFAULT),
  linear: v.optional(ruleSchema, TORCH_DEFAULT),
  linearBias: v.optional(ruleSchema, TORCH_DEFAULT),
});

/** The rules of a network: how each kind of parameter starts. Normalisations start as the identity. */
export type InitRules = v.InferOutput<typeof initSchema>;

/** The distribution of a weight of `shape` [out, in / groups, ...], or of the bias that goes with it. */
export function distributionOf(rule: InitRule, shape: readonly number[]): Distribution {
  const size = (which: 'in' | 'out'): number =>
    which === 'in' ? elementCount(shape.slice(1)) : (shape[0] ?? 1) * elementCount(shape.slice(2));
  switch (rule.rule) {
    case 'constant':
      return { kind: 'constant', value: rule.value };
    case 'normal':
      return { kind: 'normal', std: rule.std };
    case 'truncated-normal':
      return { kind: 'truncated-normal', std: rule.std, low: rule.low, high: rule.high };
    case 'kaiming-normal':
      return { kind: 'normal', std: Math.sqrt(2 / size(rule.fan)) };
    case 'uniform':
      return { kind: 'uniform', bound: rule.gain * Math.sqrt(3 / size(rule.fan)) };
    default:
      return never(rule);
  }
}
