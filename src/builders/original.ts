import { never } from '../base/errors.js';
import type { Distribution } from './distributions.js';
import { Normal } from './normal.js';
import type { Fill } from './params.js';
import { Threefry } from './threefry.js';

/*
 * Fresh weights from the distributions that the networks' own code names. Each tensor has a stream of its own, keyed by the seed and its state-dict key, so
 * that a layer keeps its weights when another one changes. Uniform numbers have 53 random bits, normal ones follow their distribution exactly (normal.ts), and truncated ones
 * by rejection. All in float64, rounded once.
 */

/** Draws every parameter from its distribution. Equal seeds give equal weights. */
export function originalFill(seed: number): Fill {
  return (out, param, from) => draw(out, streamOf(param.name, seed), param.distribution, from);
}

function draw(out: Float32Array, stream: Threefry, distribution: Distribution, first: number): void {
  // Counters have 32 bits; told so here, the engine computes in integers.
  const from = first | 0;
  switch (distribution.kind) {
    case 'constant':
      out.fill(distribution.value);
      return;
    case 'uniform':
      for (let i = 0; i < out.length; i++) out[i] = distribution.bound * (2 * stream.uniform(from + i, 0) - 1);
      return;
    case 'normal': {
      const normal = new Normal(stream);
      for (let i = 0; i < out.length; i++) out[i] = distribution.std * normal.at(from + i);
      return;
    }
    case 'truncated-normal': {
      const normal = new Normal(stream);
      for (let i = 0; i < out.length; i++) out[i] = truncated(normal, distribution, from + i);
      return;
    }
    default:
      never(distribution);
  }
}

type Truncated = Extract<Distribution, { kind: 'truncated-normal' }>;

/** The first number within the limits. */
function truncated(normal: Normal, { std, low, high }: Truncated, index: number): number {
  for (let trial = 0; ; trial++) {
    const x = std * normal.at(index, trial);
    if (x >= low && x <= high) return x;
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
