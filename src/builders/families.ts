import { alexnets } from './alexnet.js';
import { convnexts } from './convnext.js';
import { densenets } from './densenet.js';
import { efficientnets } from './efficientnet.js';
import type { Family } from './family.js';
import { googlenets } from './googlenet.js';
import { inceptions } from './inception.js';
import { mnasnets } from './mnasnet.js';
import { mnists } from './mnist.js';
import { mobilenetsV2 } from './mobilenet-v2.js';
import { mobilenetsV3 } from './mobilenet-v3.js';
import { mobileones } from './mobileone.js';
import { anynets, regnets } from './regnet.js';
import { repvggs } from './repvgg.js';
import { resnets } from './resnet.js';
import { resnextsForCifar } from './resnext-cifar.js';
import { shufflenets } from './shufflenet.js';
import { squeezenets } from './squeezenet.js';
import { vggs } from './vgg.js';

const ALL: readonly Family[] = [
  alexnets,
  anynets,
  convnexts,
  densenets,
  efficientnets,
  googlenets,
  inceptions,
  mnasnets,
  mnists,
  mobilenetsV2,
  mobilenetsV3,
  mobileones,
  regnets,
  repvggs,
  resnets,
  resnextsForCifar,
  shufflenets,
  squeezenets,
  vggs,
];

/** Every family, by the name that cards call it by. */
export const FAMILIES: ReadonlyMap<string, Family> = new Map(ALL.map((f) => [f.name, f]));
