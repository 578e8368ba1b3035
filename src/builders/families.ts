import { mnists } from './mnist.js';
import { resnets } from './resnet.js';
import type { Family } from './family.js';

/** Every family, by the name that cards call it by. */
export const FAMILIES: ReadonlyMap<string, Family> = new Map([mnists, resnets].map((f) => [f.name, f]));
