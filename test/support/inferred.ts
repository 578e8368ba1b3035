import { expect } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { inferShapes } from '../../src/graph/infer.js';
import type { Model } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { typeText } from '../../src/graph/types.js';
import { registry } from '../../src/ops/index.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { drawInputs } from './rules.js';

/**
 * One application of an operator: the opset, the graph's inputs, the call as the text form has it, the names of its
 * outputs ('y').
 */
export type Case = readonly [opset: number, inputs: string, call: string, outputs?: string];

export const textOf = ([opset, inputs, call, outputs = 'y']: Case): string =>
  `<opset: ["": ${opset}${call.includes('com.microsoft') ? ', "com.microsoft": 1' : ''}]>\n(${inputs}) -> (${outputs})\n  ${outputs} = ${call}`;

/** A model of a text, inferred. Fails when inference meets a contradiction. */
export function inferred(text: string): Model {
  const model = parseGraph(text, { seed: 7 });
  expect(inferShapes(model, registry).map((p) => p.message)).toEqual([]);
  return model;
}

/** The types that inference finds for a model's outputs, and those of what onnxruntime computes. */
export async function bothTypes(text: string): Promise<{ inferred: string[]; computed: string[] }> {
  const model = inferred(text);
  const found = model.graph.outputs.map((v) => typeText(v.type));
  const session = await createSession(concat(writeOnnx(model)), { optimization: 'disabled', threads: 1 });
  try {
    const results = await session.run(drawInputs(model, 3));
    const computed = model.graph.outputs.map((v) => {
      const t = results.get(v.name);
      return t ? `${t.dtype}[${t.shape.join(',')}]` : 'nothing';
    });
    return { inferred: found, computed };
  } finally {
    await session.release();
  }
}

/** Whether a type, as text, holds for another in which every size is known: `?` and names stand for any. */
export function allows(known: string, full: string): boolean {
  if (known === '?' || known === full.slice(0, full.indexOf('['))) return true;
  const [a, b] = [known.split(/[[\],]/), full.split(/[[\],]/)];
  return a.length === b.length && a.every((part, i) => part === b[i] || (i > 0 && !/^\d+$/.test(part)));
}
