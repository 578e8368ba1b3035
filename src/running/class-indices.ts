import { CnnxError } from '../base/errors.js';
import { nearest, printable } from '../base/text.js';
import type { Label, Samples } from './samples.js';

/** Tables of classes that are known by name. */
export interface ClassNames {
  /** The names that the user gave, in the order of the model's outputs. */
  readonly given?: readonly string[] | undefined;
  /** ImageNet's names and WordNet identifiers. */
  readonly imagenet?: readonly string[] | undefined;
  readonly synsets?: readonly string[] | undefined;
}

export interface ClassIndices {
  /** The index among the model's outputs. Throws `data/classes`. */
  of(label: Label): number;
  /** By index, where the names are known. */
  readonly names: readonly string[] | undefined;
  /** How names became indices, in words. */
  readonly how: string;
}

const bad = (message: string, hint: string): CnnxError => new CnnxError('data/classes', message, { hint });

/** Letters and digits: `great_white_shark` is `Great white shark`. */
const plain = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/**
 * How the labels of a data set become indices of a model with so many classes: numbers as they are; names by the list that is given, by ImageNet's identifiers
 * or names where all of them are found there, otherwise in sorted order as torchvision's ImageFolder counts them. Throws `data/classes` where that cannot be told.
 */
export function classIndices(
  samples: Samples,
  classes: number,
  { given, imagenet, synsets }: ClassNames,
): ClassIndices {
  const names = samples.classes;
  const known = given ?? (classes === imagenet?.length ? imagenet : undefined);
  if (!names || typeof samples.label(0) === 'number')
    return { of: (label) => inRange(label, classes), names: known ?? samples.classes, how: 'by number' };
  const tables: [string, readonly string[] | undefined][] = given
    ? [['by the given names', given]]
    : [
        ['by WordNet identifier', classes === synsets?.length ? synsets : undefined],
        ["by ImageNet's names", classes === imagenet?.length ? imagenet : undefined],
      ];
  for (const [how, table] of tables) {
    if (!table) continue;
    const places = new Map<string, number>();
    table.forEach((name, i) => places.set(plain(name), places.has(plain(name)) ? -1 : i));
    const lost = names.find((name) => (places.get(plain(name)) ?? -1) < 0);
    if (lost === undefined) return { of: (label) => places.get(plain(String(label))) ?? -1, names: known, how };
    if (given)
      throw bad(`the class ${printable(lost)} is not one of the ${given.length} names given`, hintFor(lost, given));
  }
  if (names.length === classes) {
    const places = new Map(names.map((name, i) => [name, i]));
    return { of: (label) => places.get(String(label)) ?? -1, names: known ?? names, how: 'in sorted order' };
  }
  if (names.every((name) => /^\d+$/.test(name)))
    return { of: (label) => inRange(Number(label), classes), names: known, how: 'by number' };
  throw bad(
    `the data has ${names.length} classes and the model ${classes}: which is which cannot be told from names such as ${printable(names[0] ?? '')}`,
    '--labels FILE has the name of each class in the order of the outputs',
  );
}

function hintFor(lost: string, given: readonly string[]): string {
  const [like] = nearest(lost, given, 1);
  return like === undefined ? 'name the folders as the classes are called' : `did you mean ${printable(like)}?`;
}

function inRange(label: Label, classes: number): number {
  if (typeof label === 'number' && label < classes) return label;
  throw bad(
    `the class ${printable(String(label))}, and the model has ${classes}, counted from 0`,
    'is this the data that the model was trained on?',
  );
}
