import { expect, test } from 'vitest';
import { everyNode } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { Conv, Gemm } from '../../src/ops/index.js';
import { fuse } from '../../src/passes/fuse.js';
import { staticShape } from '../../src/graph/types.js';
import { simplify } from '../../src/passes/simplify.js';
import { openModel } from '../../src/node/files/model-file.js';
import { asFloat64 } from '../../src/tensor/tensor.js';
import { nd, runNaive } from '../support/naive/index.js';
import {
  errorOf,
  evaluateHere,
  macsOf,
  paramsOf,
  type ReparamModel,
  reparamModels,
  shortfalls,
} from '../support/reparam.js';
import { describeShared, isFull, shared } from '../support/shared.js';

interface Row {
  readonly name: string;
  readonly nodes: string;
  readonly params: string;
  readonly macs: string;
  /** The error over the largest of the errors that the authors' own merge makes; absent where they have none. */
  readonly ratio: number | undefined;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

describeShared('the multi-branch models', () => {
  const rows: Row[] = [];
  /** Models whose every merged weight is the nearest number to the exact one. */
  const proven: string[] = [];

  test('each becomes its ideal form, and computes what it did', { timeout: 600_000 }, async () => {
    for (const of of reparamModels()) await expectIdeal(of);
  });

  async function expectIdeal(of: ReparamModel): Promise<void> {
    const path = shared(`reference/reparam/${of.file}`);
    const before = await openModel(path);
    const after = await openModel(path);
    const report = await fuse(after, { evaluate: evaluateHere });
    expect(shortfalls(of, report.before, report.after), of.name).toEqual([]);

    const { largest, peak } = await errorOf(after, of);
    expect(largest, of.name).toBeLessThanOrEqual((of.tol ?? 1e-4) * peak);
    const authors = of.authorsFuseError;
    const floor = authors && Math.max(authors.deployInOrtVsRef64, authors.deployVsRef64, authors.unfusedInOrtVsRef64);
    const ratio = floor === undefined ? undefined : largest / floor;
    expect(ratio ?? 0, of.name).toBeLessThanOrEqual(1.5);

    const params = paramsOf(after);
    expect(params, of.name).toBeLessThanOrEqual((of.idealParams ?? Number.POSITIVE_INFINITY) * 1.05);
    const macsBefore = await macsOf(before, of);
    const macsAfter = await macsOf(after, of);
    expect(macsAfter, of.name).toBeLessThanOrEqual(macsBefore);
    const kinds = Array.from(report.after, ([op, n]) => `${n} ${op}`);
    rows.push({
      name: of.name,
      nodes: kinds.join(', '),
      params: `${paramsOf(before)} -> ${params}${of.idealParams === undefined ? '' : ` (${of.idealParams})`}`,
      macs: `${macsBefore} -> ${macsAfter}`,
      ratio,
    });

    const merged = [...after.graph.nodes()].filter((n) => n.is(Conv) || n.is(Gemm));
    // What computes constants and sizes is folded first; the branches stay as they are.
    await simplify(before, { evaluate: evaluateHere, prefer: 'speed' });
    if (merged.length !== 1 || !isLinear(before)) return;
    expect(weightsOff(before, after, of), of.name).toEqual([]);
    proven.push(of.name);
  }

  test('as close to the reference as the authors are, in the median', () => {
    const ratios = rows.flatMap((r) => r.ratio ?? []);
    expect(ratios.length).toBe(reparamModels().filter((m) => m.authorsFuseError).length);
    expect(median(ratios)).toBeLessThanOrEqual(1);
    expect(proven.length).toBeGreaterThanOrEqual(PROVEN);
    if (process.env.CNNX_TABLE) printTable(rows, median(ratios), proven.length);
  });
});

/** Those of one block; of blocks one above the other there is no one response. */
const PROVEN = 69;

/** Operators that the reference knows and that are linear, or at the end and then left out. */
const PLAIN = new Set(
  'Add AveragePool BatchNormalization Constant Conv Div Gemm Identity Mean Mul Pad Relu ScatterND Slice Sum'.split(' '),
);

const isLinear = (model: Model): boolean => {
  const nodes = everyNode(model);
  return nodes.every((n) => PLAIN.has(n.opType)) && nodes.filter((n) => n.opType === 'Relu').length <= 1;
};

/**
 * Where the one merged convolution's weights or biases are further from the exact ones than half a unit in the last place. The exact ones are the
 * response of the original graph, in float64, to zeros and to an impulse for each weight, one in every group at a time: no algebra at all.
 */
function weightsOff(before: Model, after: Model, of: ReparamModel): readonly string[] {
  const node = [...after.graph.nodes()].find((n) => n.is(Conv) || n.is(Gemm));
  const [input, w, b] = node?.inputs ?? [];
  if (!node || !input || !w?.initializer) return ['no merged weight'];
  const ints = (name: string): number[] => {
    const a = node.attrs.get(name);
    return a?.kind === 'ints' ? Array.from(a.values, Number) : [];
  };
  const group = node.attrs.get('group');
  const groups = group?.kind === 'int' ? Number(group.value) : 1;
  const shape = node.is(Gemm) && node.attr.transB === 0 ? [...w.initializer.shape].reverse() : w.initializer.shape;
  const [outputs = 0, width = 0, ...taps] = shape;
  const strides = taps.map((_, i) => ints('strides')[i] ?? 1);
  const dilations = taps.map((_, i) => ints('dilations')[i] ?? 1);
  const pads = taps.map((_, i) => ints('pads')[i] ?? 0);
  // The first output whose window lies inside, and just enough input for it; all of it where the model writes over borders of one size.
  const place = pads.map((p, i) => Math.ceil(p / (strides[i] ?? 1)));
  const start = place.map((o, i) => o * (strides[i] ?? 1) - (pads[i] ?? 0));
  const sized = everyNode(before).some((n) => n.opType === 'ScatterND') ? staticShape(input.type) : undefined;
  const lengths = taps.map((n, i) => sized?.[i + 2] ?? (n - 1) * (dilations[i] ?? 1) + (strides[i] ?? 1) + 2);
  const images = sized?.[0] ?? 1;
  const plane = lengths.reduce((n, d) => n * d, 1);
  const channels = width * groups;
  const size = taps.reduce((n, d) => n * d, 1);

  /** Of an input with ones at `places`, the outputs of all channels there. */
  const respond = (places: readonly number[]): Float64Array => {
    const data = new Float64Array(images * channels * plane);
    for (const at of places) data[at] = 1;
    const name = before.graph.inputs.find((v) => !v.initializer)?.name ?? '';
    const { outputs: found } = runNaive(before, new Map([[name, nd([images, channels, ...lengths], data)]]), ['Relu']);
    const [y] = found.values();
    if (!y) throw new Error(`${of.name} has no output`);
    const [, , ...spatial] = y.shape;
    const offset = place.reduce((sum, p, i) => sum * (spatial[i] ?? 1) + p, 0);
    const per = spatial.reduce((n, d) => n * d, 1);
    return Float64Array.from({ length: outputs }, (_, o) => y.data[o * per + offset] ?? Number.NaN);
  };

  const found = asFloat64(w.initializer);
  const bias = respond([]);
  const off: string[] = [];
  const check = (what: string, value: number, exact: number): void => {
    // A sum that the float64 response itself rounds is off by less than 2^-40 of one.
    if (!(Math.abs(value - exact) <= 0.5 * ulp(exact) + 2 ** -40)) off.push(`${what}: ${value} for ${exact}`);
  };
  const given = b?.initializer && asFloat64(b.initializer);
  bias.forEach((exact, o) => check(`bias ${o}`, given?.[o] ?? 0, exact));
  const rows = outputs / groups;
  // Every tap of the last channel of each group, or of all channels. What a group's impulse does to another group is off there.
  for (let j = isFull ? 0 : width - 1; j < width; j++) {
    for (let t = 0; t < size; t++) {
      let rest = t;
      const at = taps.map(() => 0);
      for (let i = taps.length - 1; i >= 0; i--) {
        at[i] = (start[i] ?? 0) + (rest % (taps[i] ?? 1)) * (dilations[i] ?? 1);
        rest = Math.floor(rest / (taps[i] ?? 1));
      }
      const inGroup = (g: number): number => at.reduce((sum, p, i) => sum * (lengths[i] ?? 1) + p, g * width + j);
      const response = respond(Array.from({ length: groups }, (_, g) => inGroup(g)));
      for (let o = 0; o < outputs; o++) {
        const exact = (response[o] ?? 0) - (bias[o] ?? 0);
        const index = node.is(Gemm) && node.attr.transB === 0 ? j * outputs + o : (o * width + j) * size + t;
        check(`weight ${o}, ${Math.floor(o / rows) * width + j}, tap ${t}`, found[index] ?? 0, exact);
      }
    }
  }
  return off.slice(0, 5);
}

/** The distance between float32 numbers of this size. */
const ulp = (v: number): number => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(v)))) - 23);

function printTable(rows: readonly Row[], middle: number, proven: number): void {
  const lines = rows.map(
    (r) =>
      `${r.name.padEnd(32)} ${(r.ratio?.toFixed(2) ?? '').padStart(5)}  ${r.params.padEnd(26)} ${r.macs.padEnd(28)} ${r.nodes}`,
  );
  const ratios = rows.flatMap((r) => r.ratio ?? []);
  const head = `${'model'.padEnd(32)} ratio  ${'parameters (ideal)'.padEnd(26)} ${'multiply-accumulates'.padEnd(28)} nodes`;
  const foot = `${rows.length} models right and ideal, the weights of ${proven} the nearest to the exact ones; error over the authors': median ${middle.toFixed(2)}, largest ${Math.max(...ratios).toFixed(2)}`;
  process.stdout.write(`${[head, ...lines, foot].join('\n')}\n`);
}
