import { type Chunk, concat } from '../../../src/base/bytes.js';
import { CnnxError } from '../../../src/base/errors.js';
import { readOnnx, writeOnnx } from '../../../src/formats/onnx/index.js';
import { checkModel } from '../../../src/graph/check.js';
import { inferShapes } from '../../../src/graph/infer.js';
import { registry } from '../../../src/ops/index.js';
import { fuse } from '../../../src/passes/fuse.js';
import { brokenInvariants, shadowedNames } from '../invariants.js';

/** What became of a file: not read; read and found wrong; sound, and left alone or made smaller. */
export type Outcome = 'refused' | 'faulty' | 'unchanged' | 'fused';

const errorsOf = (model: Parameters<typeof checkModel>[0]): string[] =>
  checkModel(model, registry).flatMap((p) => (p.severity === 'error' ? [`${p.code}: ${p.message}`] : []));

const same = (a: readonly Chunk[], b: readonly Chunk[]): string[] =>
  Buffer.compare(concat(a), concat(b)) === 0 ? [] : ['other bytes'];

function require(what: string, wrong: readonly string[]): void {
  if (wrong.length > 0) throw new Error(`${what}: ${wrong.join('; ')}`);
}

/**
 * A file through all of it. Throws where something is thrown that is not refused in words, or where the result is worse
 * than the file.
 */
export async function through(bytes: Uint8Array): Promise<Outcome> {
  let model: ReturnType<typeof readOnnx>;
  try {
    model = readOnnx(bytes);
  } catch (error) {
    if (error instanceof CnnxError) return 'refused';
    throw error;
  }
  require('writing it as it is', same(writeOnnx(model), [bytes]));
  const faults = errorsOf(model);
  const shadowed = new Set(shadowedNames(model));
  inferShapes(model, registry);
  let applied: ReadonlyMap<string, number>;
  try {
    ({ applied } = await fuse(model));
  } catch (error) {
    if (faults.length > 0 && error instanceof CnnxError) return 'faulty';
    throw error;
  }
  const again = readOnnx(concat(writeOnnx(model)));
  if (faults.length > 0) return 'faulty';
  require('invariants', brokenInvariants(model));
  require('names that stand twice', shadowedNames(again).filter((name) => !shadowed.has(name)));
  require('the result', errorsOf(again));
  require('reading it back', same(writeOnnx(again, { reencode: true }), writeOnnx(model, { reencode: true })));
  return applied.size > 0 ? 'fused' : 'unchanged';
}
