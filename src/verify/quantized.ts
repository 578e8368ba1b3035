import { printable, table } from '../base/text.js';
import type { Model, Node } from '../graph/ir.js';
import type { Dataset } from '../running/dataset.js';
import type { Runner } from '../running/runner.js';
import { DequantizeLinear, scalarOf } from '../ops/index.js';
import { asFloat64 } from '../tensor/tensor.js';
import { checkInterfaces } from './interface.js';
import { layerSignals } from './layer-signals.js';
import type { Share } from './signal.js';
import { Yardstick } from './yardstick.js';

/** Below this the noise has a third of the signal's size, and classes change hands. */
export const LEAST_SQNR = 10;

/** Published int8 networks agree with their float originals on more than nine images in ten. */
export const LEAST_AGREEMENT = 90;

/** Integer kernels that are fused round ties differently (microsoft/onnxruntime#32132): one step, and one more where two meet. */
export const MOST_STEPS = 2;

const INTEGER_OPERATORS = new Set([
  'DequantizeLinear',
  'QLinearConv',
  'QLinearMatMul',
  'ConvInteger',
  'MatMulInteger',
  'QGemm',
]);

/** Whether layers of a model compute with integers. */
export const isQuantized = (model: Model): boolean =>
  [...model.graph.nodes()].some((node) => INTEGER_OPERATORS.has(node.opType));

export interface QuantizedOptions {
  readonly runner: Runner;
  readonly data: Dataset;
  /** In decibels; `LEAST_SQNR` if absent. */
  readonly minSqnr?: number | undefined;
  /** In percent; `LEAST_AGREEMENT` if absent. */
  readonly minAgreement?: number | undefined;
}

export interface QuantizedReport {
  readonly kind: 'float and int8' | 'int8 and int8';
  readonly verdict: 'match' | 'mismatch';
  readonly why?: string | undefined;
  readonly data: string;
  readonly bounds: { readonly sqnr: number; readonly agreement: number; readonly steps: number };
  /** `sqnr` in decibels, null where nothing differs; `steps`: the largest difference of integers, or of dequantised ones in steps of their scale. */
  readonly outputs: readonly {
    readonly name: string;
    readonly sqnr: number | null;
    readonly steps?: number | undefined;
  }[];
  readonly agreement?: Share | undefined;
  /** Inner values that both models have under one name, the worst first. */
  readonly layers: readonly { readonly name: string; readonly sqnr: number | null }[];
}

/** Examples on which inner values are compared. */
const LAYER_EXAMPLES = 4;

/**
 * Whether a quantised model does what another does, float or quantised, within stated bounds: signal over noise of every output, how often the best class is
 * the same, and for two quantised models steps. Throws `verify/interface` when they cannot be compared.
 */
export async function compareQuantized(
  reference: Model,
  candidate: Model,
  options: QuantizedOptions,
): Promise<QuantizedReport> {
  checkInterfaces(reference, candidate);
  const { data, runner } = options;
  const bounds = {
    sqnr: options.minSqnr ?? LEAST_SQNR,
    agreement: options.minAgreement ?? LEAST_AGREEMENT,
    steps: MOST_STEPS,
  };
  const both = isQuantized(reference) && isQuantized(candidate);
  const measured = await new Yardstick(reference, data, runner).measure(candidate);
  const steps = both ? await stepsBetween(reference, candidate, data, runner) : new Map<string, number>();
  const few = { ...data, count: Math.min(LAYER_EXAMPLES, data.count) };
  const signals = await layerSignals(reference, candidate, commonValues(reference, candidate), few, runner);
  const names = new Set([...measured.sqnr.keys(), ...steps.keys()]);
  const outputs = Array.from(names, (name) => ({
    name,
    sqnr: finite(measured.sqnr.get(name)),
    ...(steps.has(name) && { steps: steps.get(name) }),
  }));
  const why = outputs.flatMap(({ name, sqnr, steps: own }) => {
    const shown = printable(name);
    if (own !== undefined) return own > bounds.steps ? [`${shown} is up to ${own.toFixed(0)} steps apart`] : [];
    return sqnr !== null && sqnr < bounds.sqnr ? [`${shown} keeps ${sqnr.toFixed(1)} dB of signal over noise`] : [];
  });
  const { agreement } = measured;
  if (agreement && agreement.percent < bounds.agreement)
    why.push(`the best class is the same for ${agreement.percent.toFixed(1)} % only`);
  return {
    kind: both ? 'int8 and int8' : 'float and int8',
    verdict: why.length === 0 ? 'match' : 'mismatch',
    why: why.length === 0 ? undefined : why.join('; '),
    data: data.description,
    bounds,
    outputs,
    agreement,
    layers: Array.from(signals, ([name, sqnr]) => ({ name, sqnr: finite(sqnr) })).sort(
      (a, b) => (a.sqnr ?? Number.POSITIVE_INFINITY) - (b.sqnr ?? Number.POSITIVE_INFINITY),
    ),
  };
}

const finite = (x: number | undefined): number | null => (x !== undefined && Number.isFinite(x) ? x : null);

/** What a DequantizeLinear makes in the one, and any node in the other. */
function commonValues(reference: Model, candidate: Model): readonly string[] {
  return [...candidate.graph.nodes()].flatMap((node) => {
    const [value] = node.outputs;
    const made = node.is(DequantizeLinear) && value && !value.name.endsWith('_dequantized');
    return made && reference.graph.values.get(value.name)?.producer ? value.name : [];
  });
}

/** Of outputs that are integers, or integers times a scale: the largest difference in steps. */
async function stepsBetween(
  reference: Model,
  candidate: Model,
  data: Dataset,
  runner: Runner,
): Promise<Map<string, number>> {
  const scales = new Map(
    reference.graph.outputs.flatMap((v) => {
      const scale = stepOf(v.producer);
      return scale === undefined ? [] : [[v.name, scale] as const];
    }),
  );
  const out = new Map<string, number>();
  const a = await runner.load(reference, { threads: 1 });
  const b = await runner.load(candidate, { threads: 1 });
  try {
    for (let i = 0; i < data.count; i++) {
      const { feeds } = await data.item(i);
      const expected = await a.run(feeds);
      const actual = await b.run(feeds);
      for (const [name, t] of expected) {
        const other = actual.get(name);
        const step = /^u?int(8|16)$/.test(t.dtype) ? 1 : scales.get(name);
        if (!other || step === undefined || other.byteLength !== t.byteLength) continue;
        const [x, y] = [asFloat64(t), asFloat64(other)];
        const most = x.reduce((m, v, k) => Math.max(m, Math.abs(v - (y[k] ?? 0)) / step), 0);
        out.set(name, Math.max(out.get(name) ?? 0, Math.round(most * 1e6) / 1e6));
      }
    }
  } finally {
    await a.release();
    await b.release();
  }
  return out;
}

const stepOf = (node: Node | undefined): number | undefined =>
  node?.is(DequantizeLinear) ? scalarOf(node.in.scale) : undefined;

/** For people: outputs, the share of equal classes, the worst layers, the verdict. */
export function quantizedReportText(r: QuantizedReport): string {
  const dB = (x: number | null): string => (x === null ? 'equal' : `${x.toFixed(1)} dB`);
  const rows = r.outputs.map((o) => [
    printable(o.name, 48),
    dB(o.sqnr),
    o.steps === undefined ? '-' : o.steps.toFixed(0),
  ]);
  const lines = [table(rows, ['output', 'signal over noise', 'steps']), `on ${printable(r.data)}`];
  const { agreement } = r;
  if (agreement)
    lines.push(
      `the same best class: ${agreement.percent.toFixed(2)} % (${agreement.low.toFixed(2)} to ${agreement.high.toFixed(2)}, of ${agreement.of})`,
    );
  const worst = r.layers.slice(0, 5).map((l) => `${printable(l.name)} ${dB(l.sqnr)}`);
  if (worst.length > 0) lines.push(`worst layers: ${worst.join(', ')}`);
  lines.push(
    `bounds: ${r.bounds.sqnr} dB, ${r.bounds.agreement} % of classes, ${r.bounds.steps} steps`,
    r.why === undefined ? r.verdict : `${r.verdict}: ${r.why}`,
  );
  return lines.join('\n');
}
