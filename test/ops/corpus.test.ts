import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { CnnxError } from '../../src/base/errors.js';
import { readOnnx, tensorFromProto } from '../../src/formats/onnx/index.js';
import { Editor, everyGraph } from '../../src/graph/edit.js';
import { inferShapes } from '../../src/graph/infer.js';
import type { Graph, Model } from '../../src/graph/ir.js';
import { mutable } from '../../src/graph/mutate.js';
import { isTensorType, type ValueType, typeText } from '../../src/graph/types.js';
import { registry } from '../../src/ops/index.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { drawInputs } from '../support/rules.js';
import { type CorpusModel, corpus, describeShared } from '../support/shared.js';

/* Inference against the files and the data of the corpus: what a file declares is taken away first. */

function read(entry: CorpusModel): Model | undefined {
  try {
    return readOnnx(readFileSync(entry.path));
  } catch (error) {
    if (error instanceof CnnxError) return undefined;
    throw error;
  }
}

/** Whether every node of a model is an application of a declared operator. */
const isDeclared = (model: Model): boolean =>
  everyGraph(model).every((g) => [...g.nodes()].every((n) => registry.of(n) !== undefined));

type Verdict = 'equal' | 'less' | 'contradiction';

/** How an inferred type compares: equal in element type, rank and every size that the file gives; less; or in contradiction. */
function compare(expected: ValueType, inferred: ValueType | undefined): Verdict {
  if (!inferred || (isTensorType(inferred) && inferred.dtype === 'undefined')) return 'less';
  if (inferred.kind !== expected.kind) return 'contradiction';
  if (expected.kind === 'sequence' || expected.kind === 'optional') {
    if (inferred.kind !== expected.kind || !expected.elem) return 'equal';
    return compare(expected.elem, inferred.elem);
  }
  if (!isTensorType(expected) || !isTensorType(inferred)) return 'equal';
  if (expected.dtype !== 'undefined' && inferred.dtype !== expected.dtype) return 'contradiction';
  if (!expected.shape) return 'equal';
  if (!inferred.shape) return 'less';
  if (inferred.shape.length !== expected.shape.length) return 'contradiction';
  let verdict: Verdict = 'equal';
  expected.shape.forEach((d, i) => {
    const e = inferred.shape?.[i];
    if (typeof d !== 'number' || d === e) return;
    if (typeof e === 'number') verdict = 'contradiction';
    else if (verdict === 'equal') verdict = 'less';
  });
  return verdict;
}

interface Entry {
  readonly model: string;
  readonly value: string;
  readonly expected: ValueType;
  readonly inferred: ValueType | undefined;
  readonly declared: boolean;
}

const text = (e: Entry): string => `${e.model} ${e.value}: ${typeText(e.expected)}, inferred ${typeText(e.inferred)}`;

/** Takes every inner declared type away, infers, and gives both sides. */
function valueInfos(name: string, model: Model): Entry[] {
  const graphs: Graph[] = everyGraph(model).filter((g) => g.valueInfos.length > 0);
  const edit = new Editor(model);
  const removed = graphs.map((g) => [g, g.valueInfos] as const);
  for (const [graph] of removed) edit.setValueInfos(graph, []);
  const declared = isDeclared(model);
  inferShapes(model, registry);
  return removed.flatMap(([graph, infos]) =>
    infos.flatMap(({ name: value, type }) => {
      const found = graph.values.get(value);
      return type && found ? [{ model: name, value, expected: type, inferred: found.type, declared }] : [];
    }),
  );
}

describeShared('inference over the corpus', () => {
  let models: readonly { readonly entry: CorpusModel; readonly model: Model }[];
  beforeAll(() => {
    models = corpus().flatMap((entry) => {
      const model = read(entry);
      return model ? [{ entry, model }] : [];
    });
  });

  test('finds what value_info says', () => {
    const entries = models.flatMap(({ entry, model }) => valueInfos(entry.name, model));
    const of = (v: Verdict, among = entries): Entry[] => among.filter((e) => compare(e.expected, e.inferred) === v);
    const declared = entries.filter((e) => e.declared);
    expect(of('contradiction').map(text)).toEqual([]);
    expect(of('equal', declared).length / declared.length).toBeGreaterThanOrEqual(0.95);
  });

  test('agrees with the shapes of the expected outputs', () => {
    const entries: Entry[] = [];
    for (const { entry } of models) {
      const [folder] = entry.dataSets;
      const model = folder === undefined ? undefined : read(entry);
      if (!model || folder === undefined) continue;
      const outputs = model.graph.outputInfos.map((info) => info.type);
      feed(model, folder);
      mutable(model.graph).outputInfos = model.graph.outputInfos.map((info) => ({ ...info, type: undefined }));
      const declared = isDeclared(model);
      inferShapes(model, registry);
      model.graph.outputs.forEach((value, i) => {
        const data = tensorIn(join(folder, `output_${i}.pb`));
        const expected: ValueType | undefined = data && { kind: 'tensor', dtype: data.dtype, shape: data.shape };
        // Some data is of another type than its file says: a sequence, or bfloat16 stored as integers.
        const said = outputs[i];
        if (expected && said && compare(expected, said) !== 'contradiction')
          entries.push({ model: entry.name, value: value.name, expected, inferred: value.type, declared });
      });
    }
    const of = (v: Verdict, among = entries): Entry[] => among.filter((e) => compare(e.expected, e.inferred) === v);
    const declared = entries.filter((e) => e.declared);
    expect(of('contradiction').map(text)).toEqual([]);
    // The rest depends on data that is followed no further: how often a Loop runs, which elements are not zero.
    expect(of('equal', declared).length / declared.length).toBeGreaterThanOrEqual(0.97);
  });

  test('where a file declares its outputs otherwise, onnxruntime computes what is inferred', async () => {
    const contradicted = models.filter(({ model }) =>
      inferShapes(model, registry).some((p) => model.graph.outputs.some((v) => v.name === p.value)),
    );
    const differ: string[] = [];
    let compared = 0;
    for (const { entry } of contradicted) {
      const model = read(entry);
      if (!model) continue;
      mutable(model.graph).outputInfos = model.graph.outputInfos.map((info) => ({ ...info, type: undefined }));
      inferShapes(model, registry);
      const results = await computed(entry.path, model);
      for (const value of model.graph.outputs) {
        const t = results?.get(value.name);
        if (!t) continue;
        compared += 1;
        const expected: ValueType = { kind: 'tensor', dtype: t.dtype, shape: t.shape };
        if (compare(expected, value.type) === 'contradiction')
          differ.push(text({ model: entry.name, value: value.name, expected, inferred: value.type, declared: true }));
      }
    }
    expect(differ).toEqual([]);
    expect(compared).toBeGreaterThan(20);
  });

  test('meets no contradiction in models that onnxruntime runs', () => {
    const problems = models.flatMap(({ entry, model }) =>
      entry.dataSets.length === 0
        ? []
        : inferShapes(model, registry).map((p) => `${entry.name} ${p.node.opType}: ${p.message}`),
    );
    expect(problems).toEqual([]);
  });
});

/** What onnxruntime computes from drawn inputs; undefined where it refuses the model. */
async function computed(path: string, model: Model): Promise<ReadonlyMap<string, Tensor> | undefined> {
  try {
    const session = await createSession(path, { optimization: 'disabled', threads: 1 });
    try {
      return await session.run(drawInputs(model, 1));
    } finally {
      await session.release();
    }
  } catch (error) {
    if (error instanceof CnnxError) return undefined;
    throw error;
  }
}

/** Turns the inputs into constants, so that shapes that depend on their values are known too. */
function feed(model: Model, folder: string): void {
  const edit = new Editor(model);
  const inputs = model.graph.inputs.filter((v) => !v.initializer);
  inputs.forEach((value, i) => {
    const data = tensorIn(join(folder, `input_${i}.pb`));
    if (!data || !isTensorType(value.type) || value.type.dtype !== data.dtype) return;
    edit.freeze(value);
    edit.setInitializer(value, data);
  });
}

/** Undefined for a sequence, an optional, or a tensor that cannot be read. */
function tensorIn(path: string): Tensor | undefined {
  try {
    return tensorFromProto(readFileSync(path));
  } catch (error) {
    if (error instanceof CnnxError) return undefined;
    throw error;
  }
}
