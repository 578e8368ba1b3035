import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import type { Scope } from './scope.js';

/** The results of a network by output name, in order; `logits` always. */
export interface Outputs {
  readonly logits: Value;
  readonly [name: string]: Value;
}

export const count = v.pipe(v.number(), v.integer('a whole number'), v.minValue(1));
/** A factor that defaults to 1. */
export const scale = v.optional(v.pipe(v.number(), v.gtValue(0)), 1);
export const flag = v.optional(v.boolean(), false);

/** Options that every family has. */
export const COMMON = {
  numClasses: v.optional(count, 1000),
  /** Height and width in pixels. */
  imageSize: v.optional(count, 224),
  inChannels: v.optional(count, 3),
  /** Adds an output `probas`, the softmax of the logits. */
  softmax: flag,
};

type Config<E extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<E & typeof COMMON, undefined>>;

/** A kind of network: the options that its variants differ in, and how it is built from them. */
export interface Family {
  readonly name: string;
  /** The options and their schemas, those of every family included. */
  readonly entries: v.ObjectEntries;
  /** x: N,C,H,W. `config` must fit `entries`. */
  build(g: Scope, x: Value, config: unknown): Outputs;
}

export function family<const E extends v.ObjectEntries>(spec: {
  readonly name: string;
  readonly config: E;
  build(g: Scope, x: Value, config: Config<E>): Outputs;
}): Family {
  return {
    name: spec.name,
    entries: { ...COMMON, ...spec.config },
    build: (g, x, config) => spec.build(g, x, config as Config<E>),
  };
}
