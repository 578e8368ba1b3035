import { CnnxError } from '../../base/errors.js';
import { DEFAULT_FRAME, type NetworkCosts, networkCosts } from '../../builders/regnet-costs.js';
import { type Budget, withinBudget } from './budget.js';
import { Draws } from './draws.js';
import { type Law, type Point, type Space, type SpaceName, spaceOf } from './spaces.js';

/** A sampled network as a card with one variant, which `buildArchitecture` takes. */
export interface SampledCard {
  readonly family: string;
  readonly variants: Readonly<Record<string, SampledVariant>>;
}

export type SampledVariant = NetworkCosts & Readonly<Record<string, unknown>>;

export interface SampleOptions {
  readonly space: SpaceName;
  readonly budget?: Budget | undefined;
  /** How many networks. */
  readonly n: number;
  readonly seed?: number | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** A budget that this many draws in a row miss is taken for empty. */
const MAX_MISSES = 300_000;

/**
 * Networks of a design space within a budget, by rejection: drawn as the paper draws them, kept when they fit. Equal seeds give equal networks.
 * Throws `space/budget` where nothing in the space seems to fit.
 */
export function* sampleSpace(options: SampleOptions): Generator<SampledCard, void, undefined> {
  const { n, seed = 0, budget = {}, onProgress } = options;
  const space = spaceOf(options.space);
  const draws = new Draws(seed, space.name);
  const digits = String(n).length;
  for (let i = 1; i <= n; i++) {
    const { point, costs } = drawWithin(space, draws, budget);
    const name = `${space.name}_s${seed}_${String(i).padStart(digits, '0')}`;
    onProgress?.(`network ${i} of ${n}`);
    yield { family: space.family, variants: { [name]: { ...point.config, ...costs } } };
  }
}

function drawWithin(space: Space, draws: Draws, budget: Budget): { point: Point; costs: NetworkCosts } {
  for (let misses = 0; misses < MAX_MISSES; misses++) {
    const drawn = drawOne(space, draws, 'sample');
    if (drawn && withinBudget(space, drawn.costs, budget)) return drawn;
  }
  throw new CnnxError(
    'space/budget',
    `${MAX_MISSES} networks of ${space.name} were drawn, and none was within the budget`,
    {
      hint: 'widen it; cnnx space count says how large the space is under a budget',
    },
  );
}

/** One network, and what it costs; undefined where the draw left the space. */
export function drawOne(space: Space, draws: Draws, by: Law): { point: Point; costs: NetworkCosts } | undefined {
  const point = space.draw(draws, by);
  return point && { point, costs: networkCosts(point.stages, { ...DEFAULT_FRAME, seRatio: space.seRatio }) };
}
