import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { CnnxError } from '../../../src/base/errors.js';
import { internalized, tensorFromProto, writeOnnx } from '../../../src/formats/onnx/index.js';
import type { Model } from '../../../src/graph/ir.js';
import { isTensorType } from '../../../src/graph/types.js';
import { convertOpset } from '../../../src/passes/opset/convert.js';
import { HIGHEST_CONVERTED_OPSET, LOWEST_CONVERTED_OPSET } from '../../../src/passes/opset/versions.js';
import { ModelProcess } from '../../../src/node/machine/model-process.js';
import { openModel } from '../../../src/node/files/model-file.js';
import { asFloat64, isNumeric, type Tensor } from '../../../src/tensor/tensor.js';
import { requiredInputs } from '../../../src/running/required-inputs.js';
import { drawInputs } from '../../support/rules.js';
import { type CorpusModel, corpus, describeShared, isFull } from '../../support/shared.js';

/* Every model of the corpus that onnxruntime runs, in every other opset: it gives what it gave, or the conversion says why not. */

/** One in so many, and two opsets of each, in the quick run. */
const SLICE = 12;

/** Operators written out round otherwise; most conversions change no number at all. */
const CLOSE: Readonly<Partial<Record<string, number>>> = {
  float32: 2e-6,
  float16: 4e-3,
  float64: 1e-12,
  bfloat16: 2e-2,
};

type Verdict = 'equal' | 'wrong' | 'refused' | 'not loaded';
interface Outcome {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly verdict: Verdict;
  readonly why: string | undefined;
}

const models = new ModelProcess({ timeout: 20_000 });
afterAll(() => models.close());

type Outputs = ReadonlyMap<string, Tensor>;

/** The outputs, or why there are none. */
async function run(model: string | Uint8Array, feeds: ReadonlyMap<string, Tensor>): Promise<Outputs | string> {
  try {
    const session = await models.load(model, { optimization: 'disabled', threads: 1 });
    try {
      return await session.run(feeds);
    } finally {
      await session.release();
    }
  } catch (error) {
    if (error instanceof CnnxError) return error.message;
    throw error;
  }
}

function inputsOf(model: Model, { dataSets }: CorpusModel): ReadonlyMap<string, Tensor> | undefined {
  const wanted = requiredInputs(model);
  const [folder] = dataSets;
  if (wanted.some((v) => !isTensorType(v.type))) return undefined;
  try {
    if (folder === undefined) return drawInputs(model, 1);
    const files = readdirSync(folder).filter((f) => f.startsWith('input_'));
    if (files.length !== wanted.length) return undefined;
    return new Map(wanted.map((v, i) => [v.name, tensorFromProto(readFileSync(join(folder, `input_${i}.pb`)))]));
  } catch {
    return undefined;
  }
}

/** Where two results differ; undefined where they do not. */
function differs(a: Outputs, b: Outputs): string | undefined {
  if ([...a.keys()].join() !== [...b.keys()].join()) return `outputs ${[...b.keys()].join()}`;
  for (const [name, x] of a) {
    const y = b.get(name);
    if (!y || x.dtype !== y.dtype || x.shape.join() !== y.shape.join())
      return `${name}: ${x.dtype}[${x.shape.join()}] and ${y?.dtype}[${y?.shape.join()}]`;
    if (!isNumeric(x.dtype)) {
      const same = x.strings
        ? JSON.stringify(x.strings()) === JSON.stringify(y.strings?.())
        : Buffer.compare(x.bytes(), y.bytes()) === 0;
      if (!same) return `${name}: other elements`;
      continue;
    }
    const [u, v] = [asFloat64(x), asFloat64(y)];
    const scale = u.reduce((m, n) => (Number.isFinite(n) ? Math.max(m, Math.abs(n)) : m), 0);
    const close = CLOSE[x.dtype] ?? 0;
    const at = u.findIndex((n, i) => {
      const m = v[i] ?? Number.NaN;
      return !(Object.is(n, m) || n === m || Math.abs(n - m) <= close * scale);
    });
    if (at >= 0) return `${name}[${at}]: ${u[at]} and ${v[at]}`;
  }
  return undefined;
}

async function outcomesOf(entry: CorpusModel, pick: (opset: number, index: number) => boolean): Promise<Outcome[]> {
  const model = await openModel(entry.path).catch(() => undefined);
  const from = model?.opset('');
  if (!model || from === undefined || from < LOWEST_CONVERTED_OPSET || from > HIGHEST_CONVERTED_OPSET) return [];
  const feeds = inputsOf(model, entry);
  const expected = feeds && (await run(entry.path, feeds));
  if (!feeds || !expected || typeof expected === 'string') return [];
  const again = await run(entry.path, feeds);
  if (typeof again === 'string' || differs(expected, again)) return [];
  const outcomes: Outcome[] = [];
  for (let to = LOWEST_CONVERTED_OPSET; to <= HIGHEST_CONVERTED_OPSET; to++) {
    if (to === from || !pick(to, outcomes.length)) continue;
    const base = { name: entry.name, from, to };
    let converted: Model;
    try {
      converted = convertOpset(model, to).model;
    } catch (error) {
      if (!(error instanceof CnnxError)) throw error;
      outcomes.push({ ...base, verdict: 'refused', why: error.message });
      continue;
    }
    const found = await run(concat(writeOnnx(converted, { tensor: internalized })), feeds);
    if (typeof found === 'string') outcomes.push({ ...base, verdict: 'not loaded', why: found });
    else {
      const why = differs(expected, found);
      outcomes.push({ ...base, verdict: why ? 'wrong' : 'equal', why });
    }
  }
  return outcomes;
}

describeShared('the corpus in other opsets', () => {
  test('none wrong', { timeout: 3_600_000 }, async () => {
    const entries = corpus().filter((_, i) => isFull || i % SLICE === 0);
    const outcomes: Outcome[] = [];
    for (const [i, entry] of entries.entries()) {
      const chosen = new Set([7 + ((5 * i) % 20), 7 + ((5 * i + 11) % 20)]);
      outcomes.push(...(await outcomesOf(entry, (opset) => isFull || chosen.has(opset))));
    }
    const table = process.env.CNNX_TABLE;
    if (table) writeFileSync(table, JSON.stringify(outcomes));
    const of = (verdict: Verdict): Outcome[] => outcomes.filter((o) => o.verdict === verdict);
    expect(of('wrong')).toEqual([]);
    expect(of('equal').length).toBeGreaterThan(entries.length / 2);
  });
});
