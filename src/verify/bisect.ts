import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model, Value } from '../graph/ir.js';
import { isTensorType, staticShape } from '../graph/types.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, releaseQuietly, type Session } from '../running/session.js';
import { isSessionType } from '../running/session-types.js';
import { elementCount } from '../tensor/dtype.js';
import { isNumeric, type Tensor } from '../tensor/tensor.js';
import type { FirstDifference } from './report.js';
import { worstChannel } from './statistics.js';
import { HEADROOM, precisionOf } from './tolerance.js';

/**
 * Values are fetched in groups of about this size, so that a large network's activations never stand in memory
 * together.
 */
const GROUP_BYTES = 64 * 1024 * 1024;
const GROUP_VALUES = 64;

/** What a value whose size is not known is taken to have. */
const UNKNOWN_BYTES = 4 * 1024 * 1024;

/**
 * Runs both models with every value that both have (by name) as an output, and gives the first, in the reference's
 * order, of which some channel is further apart than the noise allows: statistics per channel see what is lost in the
 * outputs of a deep network.
 */
export async function firstDifference(
  reference: Model,
  candidate: Model,
  feeds: ReadonlyMap<string, Tensor>,
  runner: Runner,
): Promise<Omit<FirstDifference, 'run'> | undefined> {
  const { least } = precisionOf([reference, candidate]);
  const values = commonValues(reference, candidate);
  let lastEqual: string | undefined;
  for (const group of groups(values)) {
    const names = group.map((v) => v.name);
    const [plain] = await observeAll(reference, names, 'disabled', [feeds], runner);
    const [optimized] = await observeAll(reference, names, 'all', [feeds], runner);
    const [other] = await observeAll(candidate, names, 'disabled', [feeds], runner);
    for (const value of group) {
      const expected = plain?.get(value.name);
      const actual = other?.get(value.name);
      const again = optimized?.get(value.name);
      if (!expected || !actual || !again || !isNumeric(expected.dtype)) continue;
      if (expected.shape.join() !== actual.shape.join()) continue;
      const { channel, rmsRelative } = worstChannel(actual, expected);
      const floor = worstChannel(again, expected).rmsRelative;
      if (rmsRelative <= Math.max(HEADROOM * floor, least)) {
        lastEqual = value.name;
        continue;
      }
      const node = value.producer;
      return {
        value: value.name,
        node: node?.name ?? '',
        op: node?.opType ?? '',
        channel,
        rmsRelative,
        floor,
        lastEqual,
      };
    }
  }
  return undefined;
}

/** Values that nodes of both main graphs make, in the reference's order. */
export function commonValues(reference: Model, candidate: Model): Value[] {
  const out: Value[] = [];
  for (const node of reference.graph.nodes())
    for (const value of node.outputs)
      if (value && candidate.graph.values.get(value.name)?.producer && isObservable(value)) out.push(value);
  return out;
}

const isObservable = (value: Value): boolean =>
  value.name !== '' && (value.type === undefined || (isTensorType(value.type) && isSessionType(value.type.dtype)));

export function* groups(values: readonly Value[]): Generator<readonly Value[], void, undefined> {
  let group: Value[] = [];
  let size = 0;
  for (const value of values) {
    const shape = staticShape(value.type);
    size += shape ? elementCount(shape) * 4 : UNKNOWN_BYTES;
    group.push(value);
    if (size < GROUP_BYTES && group.length < GROUP_VALUES) continue;
    yield group;
    group = [];
    size = 0;
  }
  if (group.length > 0) yield group;
}

/** Runs of a model, one for each of the feeds, with these values as outputs too. */
export async function observeAll(
  model: Model,
  names: readonly string[],
  optimization: 'disabled' | 'all',
  feeds: readonly Feeds[],
  runner: Runner,
): Promise<readonly Feeds[]> {
  const watched = cloneModel(model);
  const edit = new Editor(watched);
  for (const name of names) {
    const value = watched.graph.values.get(name);
    if (value && value.outputCount === 0) edit.addOutput(watched.graph, value);
  }
  let session: Session | undefined;
  try {
    session = await runner.load(watched, { optimization, threads: 1 });
    const out: Feeds[] = [];
    for (const f of feeds) out.push(await session.run(f, names));
    return out;
  } finally {
    await releaseQuietly(session);
    runner.forget(watched);
  }
}
