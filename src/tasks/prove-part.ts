import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model } from '../graph/ir.js';
import { findTypes } from '../passes/types.js';
import { withBoundaryCasts } from '../running/boundary-casts.js';
import { type Sizes, suitableRuns } from '../running/random-inputs.js';
import { requiredInputs } from '../running/required-inputs.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, releaseQuietly } from '../running/session.js';
import { equalTensors } from '../tensor/equal.js';

/** How names of a part correspond to those of the whole; a name that is not here is the same in both. */
export interface PartNames {
  readonly inputs?: ReadonlyMap<string, string> | undefined;
  readonly outputs?: ReadonlyMap<string, string> | undefined;
}

export interface PartProof {
  readonly verdict: 'equal' | 'different' | 'not verified';
  readonly why?: string | undefined;
  /** Random inputs that both were run on. */
  readonly runs: number;
}

export interface ProveOptions extends Sizes, PartNames {
  readonly runner: Runner;
  readonly seed?: number | undefined;
}

const RUNS = 2;

/**
 * Whether a part of a model gives, bit for bit, what the whole gives at the same values, with onnxruntime's optimiser off: random inputs go through the
 * whole, and what it makes of them, where the part begins, through the part.
 */
export async function provePart(whole: Model, part: Model, options: ProveOptions): Promise<PartProof> {
  try {
    return await prove(whole, part, options);
  } catch (error) {
    if (!(error instanceof CnnxError) || error.exitCode !== 3) throw error;
    return { verdict: 'not verified', why: error.message, runs: 0 };
  }
}

async function prove(whole: Model, part: Model, options: ProveOptions): Promise<PartProof> {
  const { runner, seed = 0, inputs = new Map(), outputs = new Map() } = options;
  const watched = watching(whole, [
    ...part.graph.outputs.map((v) => outputs.get(v.name) ?? v.name),
    ...requiredInputs(part).map((v) => inputs.get(v.name) ?? v.name),
  ]);
  const [reference, candidate] = [withBoundaryCasts(watched), withBoundaryCasts(part)];
  const leftOut = reference.leftOut[0] ?? candidate.leftOut[0];
  if (leftOut !== undefined) return { verdict: 'not verified', why: `the output ${leftOut}`, runs: 0 };
  const session = await runner.load(reference.model, { optimization: 'disabled', threads: 1 });
  let runs: Awaited<ReturnType<typeof suitableRuns>>;
  try {
    runs = await suitableRuns(session, { sizes: options, seed, runs: RUNS });
  } finally {
    await releaseQuietly(session);
  }
  const other = await runner.load(candidate.model, { optimization: 'disabled', threads: 1 });
  try {
    for (const { feeds, outputs: expected } of runs) {
      const given: Feeds = new Map(
        requiredInputs(part).flatMap((v) => {
          const name = inputs.get(v.name) ?? v.name;
          const tensor = expected.get(name) ?? feeds.get(name);
          return tensor ? [[v.name, tensor] as const] : [];
        }),
      );
      const actual = await other.run(given);
      for (const [name, tensor] of actual) {
        const there = expected.get(outputs.get(name) ?? name);
        if (!there || there.shape.join() !== tensor.shape.join() || !equalTensors(there, tensor))
          return { verdict: 'different', why: `the output ${printable(name)} is another`, runs: runs.length };
      }
    }
    return { verdict: 'equal', runs: runs.length };
  } finally {
    await releaseQuietly(other);
  }
}

/** A copy of a model that gives these values, those that nodes make, as its outputs. */
function watching(model: Model, names: readonly string[]): Model {
  const copy = cloneModel(model);
  findTypes(copy);
  const { graph } = copy;
  const values = [...new Set(names)].flatMap((name) => graph.values.get(name) ?? []);
  new Editor(copy).listOutputs(
    graph,
    values.filter((v) => v.producer !== undefined),
  );
  return copy;
}
