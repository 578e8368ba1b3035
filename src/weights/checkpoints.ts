import type { Checkpoint, Variant } from '../builders/index.js';
import { CnnxError } from '../base/errors.js';
import { nearest, printable } from '../base/text.js';

/** The published checkpoint that a file is by its name, if the variant's card has it. */
export const publishedCheckpoint = (variant: Variant, fileName: string): Checkpoint | undefined =>
  variant.checkpoints.find(({ file }) => file === fileName);

/** A published checkpoint by its name in torchvision's list; the last of the list, which is the best one, if no name is given. Throws `weights/not-published`. */
export function chooseCheckpoint(variant: Variant, name?: string): Checkpoint {
  const names = variant.checkpoints.map((c) => c.name);
  const chosen = name === undefined ? variant.checkpoints.at(-1) : variant.checkpoints.find((c) => c.name === name);
  if (chosen) return chosen;
  throw new CnnxError(
    'weights/not-published',
    names.length === 0
      ? `no trained weights are published for ${printable(variant.name)}`
      : `${printable(variant.name)} has no weights ${printable(name ?? '')}; there are ${names.join(', ')}`,
    { hint: nearest(name ?? '', names, 1)[0] ?? 'give a file of your own with --weights' },
  );
}

export interface ImpliedOptions {
  /** The caller's options, over those that the checkpoint was trained with. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What the caller wants otherwise than the checkpoint's training had it, in words. */
  readonly warnings: readonly string[];
}

/** Options for building the network that a checkpoint was trained as (GoogLeNet's and Inception's input transform). */
export function impliedOptions(checkpoint: Checkpoint, own: Readonly<Record<string, unknown>>): ImpliedOptions {
  const implied = checkpoint.implies ?? {};
  const warnings = Object.entries(implied)
    .filter(([key, value]) => Object.hasOwn(own, key) && own[key] !== value)
    .map(
      ([key, value]) =>
        `${checkpoint.file} was trained with ${key} ${String(value)}; building with ${String(own[key])} gives other results`,
    );
  return { config: { ...implied, ...own }, warnings };
}
