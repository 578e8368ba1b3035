import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { isNpy, readNpy } from '../../formats/npy.js';
import { tensorFromProto } from '../../formats/onnx/index.js';
import type { Tensor } from '../../tensor/tensor.js';
import { FileSource } from './file-source.js';
import { withIo } from './io-error.js';

/** A tensor from an .npy file or an ONNX TensorProto (.pb), and the name that the latter may carry. Throws `io/*`, `npy/format`, `onnx/*`. */
export function readTensorFile(path: string): { readonly tensor: Tensor; readonly name: string | undefined } {
  const source = new FileSource(path);
  try {
    if (isNpy(source.read(0, Math.min(6, source.size)))) return { tensor: readNpy(source), name: undefined };
    if (!path.toLowerCase().endsWith('.pb'))
      throw new CnnxError('npy/format', 'this is no .npy file, and its name does not end in .pb as of an ONNX tensor', {
        hint: 'write it with numpy.save',
      });
    const tensor = tensorFromProto(source);
    return { tensor, name: tensor.message.fields.name };
  } catch (error) {
    throw error instanceof CnnxError ? error.within({ file: path }) : error;
  }
}

/**
 * Inputs of a model from a folder: `NAME.npy` by the input's name, `input_N.pb` by the name inside or by position, as ONNX's test data has them.
 * Folders in it that hold such files are runs of their own. Throws `verify/inputs` when there are none.
 */
export function readInputFolder(folder: string, inputs: readonly string[]): readonly ReadonlyMap<string, Tensor>[] {
  const entries = withIo(folder, 'read', () => readdirSync(folder, { withFileTypes: true }));
  const files = entries.filter((e) => e.isFile() && /\.(npy|pb)$/.test(e.name)).map((e) => e.name);
  if (files.length > 0) return [readRun(folder, files, inputs)];
  const runs = entries
    .filter((e) => e.isDirectory())
    .map((e) => join(folder, e.name))
    .sort()
    .map((sub) => ({ sub, files: readdirSync(sub).filter((f) => /\.(npy|pb)$/.test(f)) }))
    .filter((run) => run.files.length > 0);
  if (runs.length === 0)
    throw new CnnxError('verify/inputs', `${printable(folder)} holds no .npy or .pb files`, {
      at: { file: folder },
      hint: `name them ${inputs.map((i) => `${printable(i)}.npy`).join(', ')}`,
    });
  return runs.map((run) => readRun(run.sub, run.files, inputs));
}

function readRun(folder: string, files: readonly string[], inputs: readonly string[]): ReadonlyMap<string, Tensor> {
  const out = new Map<string, Tensor>();
  for (const file of files) {
    const stem = file.replace(/\.(npy|pb)$/, '');
    const position = /^input_(\d+)$/.exec(stem)?.[1];
    if (file.endsWith('.pb') && position === undefined && !inputs.includes(stem)) continue;
    const { tensor, name } = readTensorFile(join(folder, file));
    const input = [stem, name].find((n) => n !== undefined && inputs.includes(n)) ?? inputs[Number(position ?? -1)];
    if (input === undefined)
      throw new CnnxError('verify/inputs', `${printable(file)} is for no input of the model`, {
        at: { file: join(folder, file) },
        hint: `its inputs are ${inputs.map((i) => printable(i)).join(', ')}`,
      });
    out.set(input, tensor);
  }
  const missing = inputs.filter((i) => !out.has(i));
  if (missing.length > 0)
    throw new CnnxError('verify/inputs', `no file for the inputs ${missing.map((i) => printable(i)).join(', ')}`, {
      at: { file: folder },
      hint: `write them as ${missing.map((i) => `${printable(i)}.npy`).join(', ')}`,
    });
  return out;
}
