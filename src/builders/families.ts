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

/** A card as it stands in models/: checked when it is first asked for. */
export interface CardSource {
  readonly variants: object;
}

/** Every family, and the card with its variants. */
const ALL: readonly (readonly [Family, CardSource])[] = [
  [alexnets, alexnet],
  [anynets, anynet],
  [convnexts, convnext],
  [densenets, densenet],
  [efficientnets, efficientnet],
  [googlenets, googlenet],
  [inceptions, inception],
  [mnasnets, mnasnet],
  [mnists, mnist],
  [mobilenetsV2, mobilenetV2],
  [mobilenetsV3, mobilenetV3],
  [mobileones, mobileone],
  [regnets, regnet],
  [repvggs, repvgg],
  [resnets, resnet],
  [resnextsForCifar, resnextCifar],
  [shufflenets, shufflenetV2],
  [squeezenets, squeezenet],
  [vggs, vgg],
];

/** Every family, by the name that cards call it by. */
export const FAMILIES: ReadonlyMap<string, Family> = new Map(ALL.map(([family]) => [family.name, family]));

export const CARD_SOURCES: readonly CardSource[] = ALL.map(([, card]) => card);
