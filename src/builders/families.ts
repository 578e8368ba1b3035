import { alexnets } from './alexnet.js';
import { densenets } from './densenet.js';
import type { Family } from './family.js';
import { googlenets } from './googlenet.js';
import { inceptions } from './inception.js';
import { mnists } from './mnist.js';
import { anynets, regnets } from './regnet.js';
import { resnets } from './resnet.js';
import { resnextsForCifar } from './resnext-cifar.js';
import { vggs } from './vgg.js';

const ALL: readonly Family[] = [
  alexnets,
  anynets,
  densenets,
  googlenets,
  inceptions,
  mnists,
  regnets,
  resnets,
  resnextsForCifar,
  vggs,
];

/** Every family, by the name that cards call it by. */
export const FAMILIES: ReadonlyMap<string, Family> = new Map(ALL.map((f) => [f.name, f]));
