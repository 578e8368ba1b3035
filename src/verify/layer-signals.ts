import { cloneModel } from '../graph/clone.js';
import { Editor } from '../graph/edit.js';
import type { Model } from '../graph/ir.js';
import { staticShape } from '../graph/types.js';
import type { Dataset } from '../running/dataset.js';
import type { Runner } from '../running/runner.js';
import { type Feeds, releaseQuietly } from '../running/session.js';
import { elementCount } from '../tensor/dtype.js';
import { SignalToNoise } from './signal.js';

/** Values are fetched in groups of about this size. */
const GROUP_BYTES = 32 * 2 ** 20;

/**
 * How well inner values of a quantised model follow those of the float one, by name, in decibels. onnxruntime's rewriting is off: it would quantise what
 * is float (see `shieldFloatLayers`).
 */
export async function layerSignals(
  float: Model,
  int8: Model,
  names: readonly string[],
  data: Dataset,
  runner: Runner,
): Promise<ReadonlyMap<string, number>> {
  const out = new Map<string, number>();
  for (const group of groups(float, names)) {
    const signals = new Map(group.map((name) => [name, new SignalToNoise()]));
    const a = watching(float, group);
    const b = watching(int8, group);
    const first = await runner.load(a, { optimization: 'disabled', threads: 1 });
    const second = await runner.load(b, { optimization: 'disabled', threads: 1 });
    try {
      for (let i = 0; i < data.count; i++) {
        const { feeds } = await data.item(i);
        const expected: Feeds = await first.run(feeds, group);
        const actual: Feeds = await second.run(feeds, group);
        for (const [name, signal] of signals) {
          const [x, y] = [expected.get(name), actual.get(name)];
          if (x && y && x.shape.join() === y.shape.join()) signal.add(x, y);
        }
      }
    } finally {
      await releaseQuietly(first);
      await releaseQuietly(second);
      runner.forget(a);
      runner.forget(b);
    }
    for (const [name, signal] of signals) out.set(name, signal.decibels);
  }
  return out;
}

function watching(model: Model, names: readonly string[]): Model {
  const copy = cloneModel(model);
  const edit = new Editor(copy);
  for (const name of names) {
    const value = copy.graph.values.get(name);
    if (value && value.outputCount === 0) edit.addOutput(copy.graph, value);
  }
  return copy;
}

function* groups(model: Model, names: readonly string[]): Generator<readonly string[], void, undefined> {
  let group: string[] = [];
  let size = 0;
  for (const name of names) {
    const shape = staticShape(model.graph.values.get(name)?.type);
    group.push(name);
    size += 4 * elementCount(shape ?? [2 ** 18]);
    if (size < GROUP_BYTES) continue;
    yield group;
    group = [];
    size = 0;
  }
  if (group.length > 0) yield group;
}
