import { never } from '../base/errors.js';
import type { Law } from './laws.js';
import type { Fill } from './params.js';
import { Threefry } from './threefry.js';

/*
 * Fresh weights from the laws of the networks' own code. Each tensor has a stream of its own, keyed by the seed and its state-dict key, so
 * that a layer keeps its weights when another one changes. Uniform numbers have 53 random bits. Normal ones come by Box and Muller's
 * transform, which is exact, from two of them; truncated ones by rejection, exact as well. All in float64, rounded once.
 */

/** Draws every parameter from its law. Equal seeds give equal weights. */
export function originalFill(seed: number): Fill {
  return (out, param, from) => draw(out, streamOf(param.name, seed), param.law, from);
}

function draw(out: Float32Array, stream: Threefry, law: Law, from: number): void {
  switch (law.law) {
    case 'constant':
      out.fill(law.value);
      return;
    case 'uniform':
      for (let i = 0; i < out.length; i++) out[i] = law.bound * (2 * stream.uniform(from + i, 0) - 1);
      return;
    case 'normal':
      drawNormal(out, stream, law.std, from);
      return;
    case 'truncated-normal':
      drawTruncated(out, stream, law, from);
      return;
    default:
      never(law);
  }
}

/** Elements 2j and 2j + 1 share the two uniform numbers of the counters 2j and 2j + 1. */
function drawNormal(out: Float32Array, stream: Threefry, std: number, from: number): void {
  for (let i = from - (from % 2); i < from + out.length; i += 2) {
    const radius = std * Math.sqrt(-2 * Math.log(1 - stream.uniform(i, 0)));
    const angle = 2 * Math.PI * stream.uniform(i + 1, 0);
    if (i >= from) out[i - from] = radius * Math.cos(angle);
    out[i + 1 - from] = radius * Math.sin(angle);
  }
}

type Truncated = Extract<Law, { law: 'truncated-normal' }>;

function drawTruncated(out: Float32Array, stream: Threefry, { std, low, high }: Truncated, from: number): void {
  for (let i = 0; i < out.length; i++) {
    for (let attempt = 0; ; attempt += 2) {
      const radius = std * Math.sqrt(-2 * Math.log(1 - stream.uniform(from + i, attempt)));
      const x = radius * Math.cos(2 * Math.PI * stream.uniform(from + i, attempt + 1));
      if (x < low || x > high) continue;
      out[i] = x;
      break;
    }
  }
}

/** The stream of a name: its two 32-bit FNV-1a hashes (of the name, and of the name read backwards) mixed with the seed's two halves. */
function streamOf(name: string, seed: number): Threefry {
  let forward = 0x811c9dc5;
  let backward = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    forward = Math.imul(forward ^ name.charCodeAt(i), 0x01000193);
    backward = Math.imul(backward ^ name.charCodeAt(name.length - 1 - i), 0x01000193);
  }
  const mixed = new Threefry(forward, backward);
  mixed.at(seed >>> 0, Math.floor(seed / 2 ** 32));
  return new Threefry(mixed.x0, mixed.x1);
}
