import type { Node } from '../../graph/ir.js';
import { Conv } from '../../ops/index.js';
import { type Statistics, type ValueStatistics, windowKey } from '../../running/observe.js';
import type { Inputs } from './compensate.js';
import type { Together } from './compensate-channels.js';
import type { Rows } from './rows.js';
import { windowOf } from './watches.js';

/**
 * What is known of the numbers that each row of a layer's weights is multiplied with. `means`: what each tap sees, in the order of the weight's own tensor: [channel][tap].
 * Undefined where the layer's window is not known.
 */
export function inputsFor(
  node: Node,
  source: string,
  statistics: Statistics,
  rows: Rows,
): ((row: number) => Inputs) | undefined {
  const seen = statistics.get(source);
  const window = windowOf(node);
  const taps = window && seen?.taps.get(windowKey(window));
  const power = seen?.power;
  if (!taps || !power) return undefined;
  const length = rows.order.length;
  const each = taps.length / power.length;
  const groups = node.is(Conv) ? node.attr.group : 1;
  const perGroup = rows.count / groups;
  // The place of an element among those of its row, whatever lies between them in the tensor.
  const step = rows.rowStep === 1 && rows.axis === 1 ? rows.count : 1;
  const places = rows.order.map((at) => at / step);
  const channels = places.map((i) => Math.floor(i / each));
  const shared = sharedVariance(seen, windowKey(window), each);
  const made = new Map<number, Inputs>();
  return (row) => {
    const group = Math.floor(row / perGroup);
    const known = made.get(group);
    if (known) return known;
    const from = group * length;
    const means = Float64Array.from(places, (i) => taps[from + i] ?? 0);
    const variances = Float64Array.from(channels, (c, j) =>
      Math.max((power[from / each + c] ?? 0) - (means[j] ?? 0) ** 2, 0),
    );
    const inputs = { means, variances, channels, shared: shared.slice(from / each, from / each + length / each) };
    made.set(group, inputs);
    return inputs;
  };
}

/**
 * By channel: the mean covariance of two taps over the variance of one. Of T taps with variance v each, their mean has the variance v (1 + (T - 1) s) / T.
 */
function sharedVariance({ boxes, taps, power }: ValueStatistics, key: string, count: number): Float64Array {
  const squares = boxes.get(key);
  const means = taps.get(key);
  return Float64Array.from(power ?? [], (p, c) => {
    if (!squares || !means || count < 2) return 0;
    const own = means.subarray(c * count, (c + 1) * count);
    const mean = own.reduce((a, b) => a + b, 0) / count;
    const variance = p - own.reduce((a, b) => a + b * b, 0) / count;
    if (variance <= 0) return 0;
    const ratio = Math.max(0, (squares[c] ?? 0) - mean * mean) / variance;
    return Math.min(1, Math.max(0, (ratio * count - 1) / (count - 1)));
  });
}

/** Covariances of few samples are chance; they are drawn towards none by as much. Neighbouring positions of one image say nearly the same. */
const SAMPLES_PER_IMAGE = 16;

/** Images that covariances are taken from: their size is that of a weight, which has to come out of the session for each. */
export const COVARIANCE_IMAGES = 64;

/** How the channels of a layer's input go together; undefined for grouped layers, and where it was not observed. */
export function togetherFor(node: Node, source: string, statistics: Statistics): Together | undefined {
  const seen = statistics.get(source);
  const window = windowOf(node);
  const means = window && seen?.taps.get(windowKey(window));
  if (!seen?.products || !seen.power || !means || (node.is(Conv) && node.attr.group !== 1)) return undefined;
  const channels = seen.power.length;
  const count = means.length / channels;
  const centre = Float64Array.from(
    { length: channels },
    (_, c) => means.subarray(c * count, (c + 1) * count).reduce((a, b) => a + b, 0) / count,
  );
  const positions = window.reduce((n, a) => n * a.positions, 1);
  const samples = COVARIANCE_IMAGES * Math.min(SAMPLES_PER_IMAGE, positions);
  const trust = samples / (samples + channels);
  const covariances = seen.products.map((p, i) => {
    const [a, b] = [Math.floor(i / channels), i % channels];
    const own = p - (centre[a] ?? 0) * (centre[b] ?? 0);
    return a === b ? Math.max(own, 0) * 1.01 : own * trust;
  });
  const shares = sharedVariance(seen, windowKey(window), count);
  const total = covariances.reduce((s, v, i) => (i % (channels + 1) === 0 ? s + v : s), 0);
  const shared = shares.reduce((s, v, c) => s + v * (covariances[c * (channels + 1)] ?? 0), 0) / Math.max(total, 1e-30);
  return { covariances, channels, shared };
}
