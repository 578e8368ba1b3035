import type { Port } from '../../running/session.js';
import type { DType } from '../../tensor/dtype.js';

/*
 * Triton's model configuration as text. Facts: ModelConfig in triton-inference-server/common, protobuf/model_config.proto (BSD-3-Clause), and
 * the backend's rules: with a max_batch_size above 0 the first axis of every input and output is the batch, and is not in `dims`.
 */

export interface TritonConfig {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** 0: the model says all its axes itself. */
  readonly maxBatch: number;
  /** How long a request waits for others, in microseconds. */
  readonly maxDelay: number;
  readonly gpu?: 'cuda' | 'tensorrt' | undefined;
  readonly instances: number;
  /** The output that classes are read from, and the file with their names. */
  readonly labels?: { readonly output: string; readonly file: string } | undefined;
  /** One file of raw data for each input, below the model's `warmup` folder. */
  readonly warmup: readonly { readonly input: string; readonly file: string; readonly dims: readonly number[] }[];
}

/** Triton's names of element types; what is absent it does not serve. */
const TYPES: Partial<Record<DType, string>> = {
  bool: 'TYPE_BOOL',
  uint8: 'TYPE_UINT8',
  uint16: 'TYPE_UINT16',
  uint32: 'TYPE_UINT32',
  uint64: 'TYPE_UINT64',
  int8: 'TYPE_INT8',
  int16: 'TYPE_INT16',
  int32: 'TYPE_INT32',
  int64: 'TYPE_INT64',
  float16: 'TYPE_FP16',
  float32: 'TYPE_FP32',
  float64: 'TYPE_FP64',
  string: 'TYPE_STRING',
  bfloat16: 'TYPE_BF16',
};

export const tritonType = (dtype: DType | undefined): string | undefined => dtype && TYPES[dtype];

/** A string as protobuf's text form writes it: whatever is not plain ASCII by its bytes, in octal. */
export function quoted(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const plain = Array.from(bytes, (b) => {
    if (b === 0x22 || b === 0x5c) return `\\${String.fromCharCode(b)}`;
    return b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : `\\${b.toString(8).padStart(3, '0')}`;
  });
  return `"${plain.join('')}"`;
}

/** The sizes behind the batch, -1 for open ones. A tensor that is nothing but its batch is one number, reshaped to none. */
export function tritonDims(
  port: Port,
  maxBatch: number,
): { readonly dims: readonly number[]; readonly scalar: boolean } {
  const sizes = port.shape.map((d) => (typeof d === 'number' ? d : -1));
  const dims = maxBatch > 0 ? sizes.slice(1) : sizes;
  return dims.length === 0 ? { dims: [1], scalar: true } : { dims, scalar: false };
}

export function tritonConfig(config: TritonConfig): string {
  const { name, maxBatch, maxDelay, instances, gpu, labels } = config;
  const tensor = (kind: 'input' | 'output', port: Port): string => {
    const { dims, scalar } = tritonDims(port, maxBatch);
    const lines = [
      `  name: ${quoted(port.name)}`,
      `  data_type: ${tritonType(port.dtype) ?? 'TYPE_INVALID'}`,
      `  dims: [ ${dims.join(', ')} ]`,
      ...(scalar ? ['  reshape { shape: [ ] }'] : []),
      ...(kind === 'output' && labels?.output === port.name ? [`  label_filename: ${quoted(labels.file)}`] : []),
    ];
    return `${kind} {\n${lines.join('\n')}\n}`;
  };
  return `${[
    `name: ${quoted(name)}`,
    'platform: "onnxruntime_onnx"',
    `max_batch_size: ${maxBatch}`,
    ...config.inputs.map((p) => tensor('input', p)),
    ...config.outputs.map((p) => tensor('output', p)),
    `instance_group {\n  kind: ${gpu ? 'KIND_GPU' : 'KIND_CPU'}\n  count: ${instances}\n}`,
    ...(maxBatch > 1 ? [`dynamic_batching {\n  max_queue_delay_microseconds: ${maxDelay}\n}`] : []),
    ...(gpu ? [accelerator(gpu)] : []),
    ...(config.warmup.length > 0 ? [warmup(config)] : []),
  ].join('\n')}\n`;
}

function accelerator(gpu: 'cuda' | 'tensorrt'): string {
  const parameters =
    gpu === 'tensorrt'
      ? `      name: "tensorrt"
      parameters { key: "precision_mode" value: "FP16" }
      parameters { key: "max_workspace_size_bytes" value: "1073741824" }
      parameters { key: "trt_engine_cache_enable" value: "true" }
      parameters { key: "trt_engine_cache_path" value: "/tmp/tensorrt" }`
      : `      name: "cuda"`;
  return `optimization {\n  execution_accelerators {\n    gpu_execution_accelerator {\n${parameters}\n    }\n  }\n}`;
}

function warmup({ warmup: files, inputs, maxBatch }: TritonConfig): string {
  const parts = files.map(({ input, file, dims }) => {
    const type = tritonType(inputs.find((p) => p.name === input)?.dtype) ?? 'TYPE_INVALID';
    return `  inputs {
    key: ${quoted(input)}
    value {
      data_type: ${type}
      dims: [ ${dims.join(', ')} ]
      input_data_file: ${quoted(file)}
    }
  }`;
  });
  return `model_warmup {\n  name: "golden"\n${maxBatch > 0 ? '  batch_size: 1\n' : ''}${parts.join('\n')}\n}`;
}
