import type { Model } from '../../graph/ir.js';
import { isTensorType, type ValueType } from '../../graph/types.js';
import { requiredInputs } from '../../running/required-inputs.js';
import { bytesOf, type DType, DTYPES, elementCount } from '../../tensor/dtype.js';
import type { ParsedConfig, ParsedTensor } from './triton-read.js';
import { tritonType } from './triton-config.js';

/** What a server would trip over: where, what was found, and what to do. */
export interface PackageProblem {
  readonly file: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

interface Declared {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | undefined)[] | undefined;
}

/** A protobuf file that is larger is not read by anybody. */
const MAX_MODEL = 2 ** 31 - 1;

export interface CheckedModel {
  readonly name: string;
  readonly config: ParsedConfig;
  readonly model: Model;
  readonly modelFile: string;
  readonly modelBytes: number;
  /** Sizes of the files beside config.pbtxt, by their paths from there. */
  readonly files: ReadonlyMap<string, number>;
}

/** Whether what a configuration says and what the model is fit together, by Triton's rules. */
export function checkTritonModel(checked: CheckedModel): readonly PackageProblem[] {
  const { config, model, name, files } = checked;
  const at = `${name}/config.pbtxt`;
  const out: PackageProblem[] = [];
  const say = (message: string, hint?: string): void => void out.push({ file: at, message, hint });
  if (config.name !== '' && config.name !== name)
    say(`it is called ${config.name}, and its folder ${name}`, 'Triton asks for the same name, or none');
  if (config.platform !== 'onnxruntime_onnx' && config.backend !== 'onnxruntime')
    say(`the platform is ${config.platform || 'not said'}`, 'platform: "onnxruntime_onnx"');
  const declared = {
    input: requiredInputs(model).map(
      (v): Declared => declaredOf(v.name, model.graph.inputInfos.get(v)?.type ?? v.type),
    ),
    output: model.graph.outputs.map((v, i): Declared => declaredOf(v.name, model.graph.outputInfos[i]?.type ?? v.type)),
  };
  for (const kind of ['input', 'output'] as const) {
    const tensors = kind === 'input' ? config.inputs : config.outputs;
    for (const t of tensors) {
      const own = declared[kind].find((d) => d.name === t.name);
      if (own) out.push(...checkTensor(kind, t, own, config.maxBatch, at));
      else
        say(`the ${kind} ${t.name} is not one of the model`, `it has ${declared[kind].map((d) => d.name).join(', ')}`);
      if (t.labelFile !== '' && !files.has(t.labelFile)) say(`the file of labels ${t.labelFile} is not there`);
    }
    for (const own of declared[kind])
      if (kind === 'input' && !tensors.some((t) => t.name === own.name))
        say(`the input ${own.name} of the model is missing`);
  }
  if (config.maxBatch > 0)
    for (const own of [...declared.input, ...declared.output])
      if (own.shape && own.shape[0] !== undefined)
        say(
          `max_batch_size is ${config.maxBatch}, and the first axis of ${own.name} is ${own.shape.length === 0 ? 'not there' : `always ${own.shape[0]}`}`,
          'max_batch_size: 0, or cnnx convert --batch N',
        );
  if (config.maxBatch <= 1 && config.dynamicBatching)
    say(
      `dynamic_batching with max_batch_size ${config.maxBatch} puts nothing together`,
      'leave it out, or raise max_batch_size',
    );
  for (const size of config.preferredBatchSizes)
    if (size > config.maxBatch) say(`preferred_batch_size ${size} is more than max_batch_size ${config.maxBatch}`);
  for (const w of config.warmup) {
    const t = config.inputs.find((i) => i.name === w.input);
    if (!t) say(`the warmup feeds ${w.input}, which is no input`);
    if (w.batchSize > config.maxBatch)
      say(`the warmup has batch_size ${w.batchSize}; max_batch_size is ${config.maxBatch}`);
    const dtype = DTYPE_OF.get(w.type);
    const size = w.file === '' ? undefined : files.get(`warmup/${w.file}`);
    if (w.file !== '' && size === undefined) say(`the warmup's file warmup/${w.file} is not there`);
    else if (size !== undefined && dtype !== undefined && dtype !== 'string') {
      const expected = Math.max(1, w.batchSize) * bytesOf(dtype, elementCount(w.dims));
      if (size !== expected) say(`warmup/${w.file} has ${size} bytes; ${w.input} takes ${expected}`);
    }
  }
  if (checked.modelBytes > MAX_MODEL)
    out.push({
      file: checked.modelFile,
      message: `${checked.modelBytes} bytes: more than a protobuf file may have`,
      hint: 'cnnx convert --external-data',
    });
  return out;
}

/** Types by Triton's names. */
const DTYPE_OF: ReadonlyMap<string, DType> = new Map(
  DTYPES.flatMap((dtype) => {
    const type = tritonType(dtype);
    return type === undefined ? [] : [[type, dtype] as const];
  }),
);

function declaredOf(name: string, type: ValueType | undefined): Declared {
  if (!isTensorType(type)) return { name, dtype: undefined, shape: undefined };
  return { name, dtype: type.dtype, shape: type.shape?.map((d) => (typeof d === 'number' ? d : undefined)) };
}

function checkTensor(
  kind: 'input' | 'output',
  t: ParsedTensor,
  own: Declared,
  maxBatch: number,
  file: string,
): readonly PackageProblem[] {
  const out: PackageProblem[] = [];
  const expected = tritonType(own.dtype);
  if (expected !== undefined && t.type !== expected)
    out.push({ file, message: `the ${kind} ${t.name} is ${t.type}, and the model's ${expected}` });
  if (!own.shape) return out;
  const dims = t.reshape ?? t.dims;
  const behind = maxBatch > 0 ? own.shape.slice(1) : own.shape;
  const shown = (x: readonly (number | undefined)[]): string => `[${x.map((d) => d ?? -1).join(', ')}]`;
  if (dims.length !== behind.length) {
    const withBatch = maxBatch > 0 && dims.length === own.shape.length;
    out.push({
      file,
      message: `the ${kind} ${t.name} has dims ${shown(dims)}; the model has ${shown(own.shape)}${maxBatch > 0 ? ', the first of which is the batch' : ''}`,
      hint: withBatch ? 'with max_batch_size above 0 dims leave the batch out' : undefined,
    });
  } else if (dims.some((d, i) => d !== -1 && behind[i] !== undefined && d !== behind[i]))
    out.push({ file, message: `the ${kind} ${t.name} has dims ${shown(dims)}; the model has ${shown(behind)}` });
  return out;
}
