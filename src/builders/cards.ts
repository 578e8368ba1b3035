import alexnet from '../../models/alexnet.json' with { type: 'json' };
import anynet from '../../models/anynet.json' with { type: 'json' };
import convnext from '../../models/convnext.json' with { type: 'json' };
import densenet from '../../models/densenet.json' with { type: 'json' };
import efficientnet from '../../models/efficientnet.json' with { type: 'json' };
import googlenet from '../../models/googlenet.json' with { type: 'json' };
import inception from '../../models/inception.json' with { type: 'json' };
import mnasnet from '../../models/mnasnet.json' with { type: 'json' };
import mnist from '../../models/mnist.json' with { type: 'json' };
import mobilenetV2 from '../../models/mobilenet-v2.json' with { type: 'json' };
import mobilenetV3 from '../../models/mobilenet-v3.json' with { type: 'json' };
import mobileone from '../../models/mobileone.json' with { type: 'json' };
import regnet from '../../models/regnet.json' with { type: 'json' };
import repvgg from '../../models/repvgg.json' with { type: 'json' };
import resnet from '../../models/resnet.json' with { type: 'json' };
import resnextCifar from '../../models/resnext-cifar.json' with { type: 'json' };
import shufflenetV2 from '../../models/shufflenet-v2.json' with { type: 'json' };
import squeezenet from '../../models/squeezenet.json' with { type: 'json' };
import vgg from '../../models/vgg.json' with { type: 'json' };
import { CnnxError } from '../base/errors.js';
import { nearest, printable } from '../base/text.js';
import { type Card, parseCard, type Variant } from './card.js';
import { FAMILIES } from './families.js';

const SOURCES: readonly { readonly variants: object }[] = [
  alexnet,
  anynet,
  convnext,
  densenet,
  efficientnet,
  googlenet,
  inception,
  mnasnet,
  mnist,
  mobilenetV2,
  mobilenetV3,
  mobileone,
  regnet,
  repvgg,
  resnet,
  resnextCifar,
  shufflenetV2,
  squeezenet,
  vgg,
];

const parsed = new Map<object, Card>();

function cardOf(source: object): Card {
  const known = parsed.get(source);
  if (known) return known;
  const card = parseCard(source, FAMILIES);
  parsed.set(source, card);
  return card;
}

/** The cards that cnnx comes with. */
export const cards = (): readonly Card[] => SOURCES.map(cardOf);

/** Every variant of every card, by name. */
export function variants(): readonly Variant[] {
  return cards().flatMap((card) => [...card.variants.values()]);
}

/** A card of the user's own, from its JSON. Throws `card/invalid`. */
export const parseOwnCard = (json: unknown): Card => parseCard(json, FAMILIES);

/** Throws `builder/unknown`, with the nearest names. */
export function findVariant(name: string): Variant {
  const source = SOURCES.find((card) => Object.hasOwn(card.variants, name));
  const found = source && cardOf(source).variants.get(name);
  if (found) return found;
  const near = nearest(
    name,
    SOURCES.flatMap((card) => Object.keys(card.variants)),
  );
  throw new CnnxError('builder/unknown', `there is no architecture ${printable(name)}`, {
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : 'cnnx list shows all of them',
  });
}
