import { CnnxError } from '../base/errors.js';
import { didYouMean, printable } from '../base/text.js';
import { type Card, parseCard, type Variant } from './card.js';
import { CARD_SOURCES, FAMILIES } from './families.js';

const parsed = new Map<object, Card>();

function cardOf(source: object): Card {
  const known = parsed.get(source);
  if (known) return known;
  const card = parseCard(source, FAMILIES);
  parsed.set(source, card);
  return card;
}

const inSource = (name: string): (typeof CARD_SOURCES)[number] | undefined =>
  CARD_SOURCES.find((card) => Object.hasOwn(card.variants, name));

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_. ]/g, '');

/** The only name that is the same but for capitals, hyphens, underscores, points and spaces. */
function spelledLike(spelt: string): string | undefined {
  const alike = CARD_SOURCES.flatMap((card) => Object.keys(card.variants)).filter(
    (name) => plain(name) === plain(spelt),
  );
  return alike.length === 1 ? alike[0] : undefined;
}

/** The cards that cnnx comes with. */
export const cards = (): readonly Card[] => CARD_SOURCES.map(cardOf);

/** Every variant of every card, by name. */
export function variants(): readonly Variant[] {
  return cards().flatMap((card) => [...card.variants.values()]);
}

/** A card of the user's own, from its JSON. Throws `card/invalid`. */
export const parseOwnCard = (json: unknown): Card => parseCard(json, FAMILIES);

/** By its name, however that is spelt: `ResNet-18` is resnet18. Throws `builder/unknown`, with the nearest names. */
export function findVariant(spelt: string): Variant {
  const name = inSource(spelt) ? spelt : (spelledLike(spelt) ?? spelt);
  const source = inSource(name);
  const found = source && cardOf(source).variants.get(name);
  if (found) return found;
  const known = CARD_SOURCES.flatMap((card) => Object.keys(card.variants));
  throw new CnnxError('builder/unknown', `there is no architecture ${printable(name)}`, {
    hint: didYouMean(name, known) ?? 'cnnx list shows all of them',
  });
}
