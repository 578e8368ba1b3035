import { CnnxError } from '../base/errors.js';
import type { Drawing } from './draw.js';
import { checkSizes, chooseShapes, PLANS, type Plan, type Sizes } from './plans.js';
import type { Picture } from './draw-picture.js';
import type { Feeds, Port, Session } from './session.js';
import type { ShapeRole } from './shape-roles.js';

export type { Sizes } from './plans.js';

/** Inputs, and what came out. */
export interface Run {
  readonly feeds: Feeds;
  readonly outputs: Feeds;
}

export interface RandomInputs {
  readonly sizes: Sizes;
  readonly seed: number;
  readonly runs: number;
  /** Inputs that are shapes: see `shapeRoles`. */
  readonly roles?: ReadonlyMap<string, ShapeRole> | undefined;
  /** false: numbers of one distribution in every run, no pictures among them. */
  readonly pictures?: boolean | undefined;
}

/**
 * What pictures are in the first run, the second, and so on in turns: numbers like any others, then what detectors may
 * find something in.
 */
const PICTURES: readonly (Picture | undefined)[] = [undefined, 'normalised', 'unit', 'pixels'];

/**
 * Runs a model on random inputs that it accepts, the same for one seed: what it leaves open is chosen in several ways
 * until it runs. Of further inputs those that it refuses (an integer may be a shape) are left out. The session draws
 * them. Throws `runtime/run` with the first refusal when it accepts none, `runtime/input` for sizes of what there is
 * not, and whatever else running it throws.
 */
export async function suitableRuns(session: Session, options: RandomInputs): Promise<readonly Run[]> {
  const { inputs } = session;
  const sizes: Sizes = { shapes: options.sizes.shapes, dims: options.sizes.dims };
  checkSizes(inputs, sizes);
  const tried = new Set<string>();
  let refused: CnnxError | undefined;
  const roles = options.roles?.size === 0 ? undefined : options.roles;
  for (const plan of PLANS) {
    for (const given of roles ? [roles, undefined] : [undefined]) {
      const key = keyOf(inputs, plan, sizes, given !== undefined);
      if (tried.has(key)) continue;
      tried.add(key);
      const drawing = { ports: inputs, plan, sizes, roles: given };
      const first = await attempt(session, { ...drawing, seed: options.seed });
      if (first instanceof CnnxError) {
        refused ??= first;
        continue;
      }
      const runs = [first];
      for (let i = 1; i < options.runs; i++) {
        const picture = options.pictures === false ? undefined : PICTURES[i % PICTURES.length];
        const next = await attempt(session, { ...drawing, seed: options.seed + i, picture });
        if (!(next instanceof CnnxError)) runs.push(next);
      }
      return runs;
    }
  }
  throw new CnnxError('runtime/run', `no random input suits the model: ${refused?.message ?? ''}`, {
    hint: 'give its sizes with --dim or --shape, or inputs of your own',
  });
}

/** One run, or the refusal of these inputs; anything else is thrown. */
async function attempt(session: Session, drawing: Drawing): Promise<Run | CnnxError> {
  try {
    const feeds = await session.draw(drawing);
    return { feeds, outputs: await session.run(feeds) };
  } catch (error) {
    if (error instanceof CnnxError && (error.code === 'runtime/run' || error.code === 'runtime/input')) return error;
    throw error;
  }
}

/** What tells the inputs of one plan from those of another. */
const keyOf = (ports: readonly Port[], plan: Plan, sizes: Sizes, roles: boolean): string =>
  JSON.stringify([[...chooseShapes(ports, plan, sizes)], hasIntegers(ports) && plan.integers, plan.floats, roles]);

const hasIntegers = (ports: readonly Port[]): boolean => ports.some((p) => /^u?int/.test(p.dtype ?? ''));
