import { describe, expect, test } from 'vitest';
import { readRequest } from '../../src/formats/inference-protocol.js';
import { ProcessRunner } from '../../src/node/machine/process-runner.js';
import { checkTritonModel } from '../../src/tasks/package/check.js';
import { compareWithGolden, makeGolden, readGolden } from '../../src/tasks/package/golden.js';
import { dnsName, kserveManifest } from '../../src/tasks/package/kserve-manifest.js';
import { planPackage } from '../../src/tasks/package/plan.js';
import { quoted, tritonConfig } from '../../src/tasks/package/triton-config.js';
import { readTritonConfig } from '../../src/tasks/package/triton-read.js';
import { float32Tensor } from '../../src/tensor/tensor.js';
import { parseGraph } from '../../src/text/parse.js';
import { parseConfig } from '../support/triton-proto.js';

const net = (batch: string) =>
  parseGraph(
    `(x: float32[${batch},3,8,8]) -> (y: float32[${batch},5])
 c = Conv<pads=[1,1,1,1]>(x, w: float32[4,3,3,3])
 g = GlobalAveragePool(c)
 f = Flatten(g)
 y = Gemm(f, v: float32[4,5])`,
    { seed: 3 },
  );

const plan = async (batch: string, more: object = {}) => {
  const runner = new ProcessRunner({ timeout: 60_000 });
  try {
    return await planPackage(net(batch), {
      name: 'net',
      target: 'triton',
      runner,
      version: '1.2.3',
      source: { file: 'net.onnx', sha256: 'abc' },
      ...more,
    });
  } finally {
    runner.close();
  }
};
const text = (files: ReadonlyMap<string, string | Uint8Array>, name: string): string => {
  const file = files.get(name);
  if (typeof file !== 'string') throw new Error(`${name} is not a text of the package`);
  return file;
};

describe('triton', () => {
  test('the configuration, as another reader of protobuf text has it', async () => {
    const { files, maxBatch, model } = await plan('N', {
      labels: ['a', 'b', 'c', 'd', 'e'],
      gpu: 'tensorrt',
      instances: 2,
    });
    expect({ maxBatch, model }).toEqual({ maxBatch: 8, model: 'net/1/model.onnx' });
    expect(parseConfig(text(files, 'net/config.pbtxt'))).toEqual({
      name: 'net',
      platform: 'onnxruntime_onnx',
      max_batch_size: 8,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [3, 8, 8] }],
      output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [5], label_filename: 'labels.txt' }],
      instance_group: [{ kind: 'KIND_GPU', count: 2 }],
      dynamic_batching: { max_queue_delay_microseconds: 2000 },
      optimization: {
        execution_accelerators: {
          gpu_execution_accelerator: [
            {
              name: 'tensorrt',
              parameters: {
                precision_mode: 'FP16',
                max_workspace_size_bytes: '1073741824',
                trt_engine_cache_enable: 'true',
                trt_engine_cache_path: '/tmp/tensorrt',
              },
            },
          ],
        },
      },
      model_warmup: [
        {
          name: 'golden',
          batch_size: 1,
          inputs: { x: { data_type: 'TYPE_FP32', dims: [3, 8, 8], input_data_file: 'golden-0' } },
        },
      ],
    });
    expect(text(files, 'net/labels.txt')).toBe('a\nb\nc\nd\ne\n');
    const warmup = files.get('net/warmup/golden-0');
    expect(warmup instanceof Uint8Array && warmup.byteLength).toBe(3 * 8 * 8 * 4);
    const golden = JSON.parse(text(files, 'golden.json')) as { request: object };
    const { inputs } = readRequest(new TextEncoder().encode(JSON.stringify(golden.request)), undefined, 1e6);
    expect(inputs.get('x')?.bytes()).toEqual(warmup);
    expect(text(files, 'MODEL_CARD.md')).toMatch(/SHA-256 `abc`[\s\S]*proven: 2 and 3 unlike samples/);
  });

  test('a fixed batch is none for the server, and asking for one is an error', async () => {
    const { files, notes } = await plan('1');
    expect(parseConfig(text(files, 'net/config.pbtxt'))).toMatchObject({
      max_batch_size: 0,
      input: [{ dims: [1, 3, 8, 8] }],
    });
    expect(notes.join()).toMatch(/no open batch/);
    await expect(plan('1', { maxBatch: 4 })).rejects.toThrow(expect.objectContaining({ code: 'serve/batch' }));
  });

  test('samples that change each other are found before a server finds them', async () => {
    const runner = new ProcessRunner({ timeout: 60_000 });
    const mixing = parseGraph('(x: float32[N,3]) -> (y: float32[N,3])\n y = Softmax<axis=0>(x)');
    const options = { name: 'm', target: 'triton', runner, version: '1', source: { file: '', sha256: '' } } as const;
    await expect(planPackage(mixing, options)).rejects.toThrow(expect.objectContaining({ code: 'sizes/mixed' }));
    expect((await planPackage(mixing, { ...options, maxBatch: 0 })).maxBatch).toBe(0);
    runner.close();
  });

  test('names with quotes, line ends and other letters', () => {
    const name = 'a "b" \\ \n ü';
    const config = tritonConfig({
      name: 'm',
      inputs: [{ name, dtype: 'int64', shape: ['N'] }],
      outputs: [],
      maxBatch: 4,
      maxDelay: 1,
      instances: 1,
      warmup: [],
    });
    expect(parseConfig(config)).toMatchObject({
      input: [{ name, data_type: 'TYPE_INT64', dims: [1], reshape: expect.anything() as unknown }],
    });
    expect(quoted('ü')).toBe('"\\303\\274"');
    expect(readTritonConfig(config).inputs[0]).toMatchObject({ name, reshape: [] });
  });
});

test('kserve: a manifest with its placeholder, and names that Kubernetes takes', async () => {
  const { files, model } = await plan('N', { target: 'kserve', name: 'Net_1' });
  expect(model).toBe('model-repository/Net_1/1/model.onnx');
  const manifest = text(files, 'net-1.yaml');
  for (const line of [
    'apiVersion: serving.kserve.io/v1beta1',
    'kind: InferenceService',
    '  name: net-1',
    '      protocolVersion: v2',
    '      storageUri: STORAGE_URI',
    '        name: onnx',
  ])
    expect(manifest.split('\n')).toContain(line);
  expect(kserveManifest({ name: 'm', weightBytes: 3e9, gpu: true })).toMatch(
    /nvidia\.com\/gpu: "1"[\s\S]*memory: 13Gi|memory: 13Gi/,
  );
  for (const name of ['--A..b--', 'ümlaut', '9']) expect(dnsName(name)).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
});

test('node: a package.json that starts a server, and an entry', async () => {
  const { files, model } = await plan('N', { target: 'node' });
  expect(model).toBe('model.onnx');
  expect(JSON.parse(text(files, 'package.json'))).toMatchObject({
    scripts: { start: 'cnnx serve net=model.onnx' },
    dependencies: { cnnx: '^1.2.3' },
  });
  expect(text(files, 'infer.mjs').split('\n').length).toBeLessThan(45);
});

describe('golden answers', () => {
  test('an answer within the noise matches, one beyond does not', async () => {
    const runner = new ProcessRunner({ timeout: 60_000 });
    const { golden } = await makeGolden(net('N'), 'net', runner);
    runner.close();
    const back = readGolden(JSON.parse(JSON.stringify(golden)));
    const data = (golden.response as { outputs: { data: number[] }[] }).outputs[0]?.data ?? [];
    const answer = (scale: number) =>
      new Map([
        [
          'y',
          float32Tensor(
            [1, 5],
            data.map((v) => v * scale),
          ),
        ],
      ]);
    expect(compareWithGolden(back, answer(1))).toEqual([]);
    expect(compareWithGolden(back, answer(1 + 1e-7))).toEqual([]);
    expect(compareWithGolden(back, answer(1.001))).toMatchObject([
      { output: 'y', why: expect.stringMatching(/differs by/) as unknown },
    ]);
    expect(compareWithGolden(back, new Map())).toMatchObject([{ why: 'is not in the answer' }]);
    expect(compareWithGolden(back, new Map([['y', float32Tensor([5], data)]]))).toMatchObject([
      { why: /float32\[5\]/ as unknown },
    ]);
  });

  test.each([[null], [{}], [{ model: 'm', tolerance: {}, request: { inputs: 3 } }]])('no golden file: %j', (value) => {
    expect(() => readGolden(value)).toThrow(expect.objectContaining({ code: 'serve/request' }));
  });
});

/*
 * What people stumble over, after public reports (triton-inference-server/server #1889, #2387, #3032, #7462, #7575, #6832, #1338 and onnxruntime_backend #88, #111,
 * #165): each a configuration beside a model, with what the check has to say.
 */
describe('the batch at Triton', () => {
  const config = (more: string, maxBatch = 8, dims = '3, 8, 8', out = '5'): string =>
    `name: "net" platform: "onnxruntime_onnx" max_batch_size: ${maxBatch}
input [ { name: "x" data_type: TYPE_FP32 dims: [ ${dims} ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ ${out} ] } ] ${more}`;
  const check = (text: string, batch = 'N', name = 'net', files = new Map<string, number>()): string =>
    checkTritonModel({
      name,
      config: readTritonConfig(text),
      model: net(batch),
      modelFile: '1/model.onnx',
      modelBytes: 1,
      files,
    })
      .map((p) => `${p.message}${p.hint === undefined ? '' : ` (${p.hint})`}`)
      .join('\n');

  test('what fits has nothing to say', () => {
    expect(check(config(''))).toBe('');
    expect(check(config('', 0, '-1, 3, 8, 8', '-1, 5'))).toBe('');
    expect(check(config('', 0, '1, 3, 8, 8', '1, 5'), '1')).toBe('');
  });

  test.each([
    ['a model with a fixed batch', config(''), '1', /max_batch_size is 8, and the first axis of x is always 1/],
    ['the batch among the dims', config('', 8, '-1, 3, 8, 8', '5'), 'N', /dims \[-1, 3, 8, 8\].*leave the batch out/s],
    ['the batch missing from the dims', config('', 0), 'N', /dims \[3, 8, 8\]; the model has \[-1, 3, 8, 8\]/],
    ['another size', config('', 8, '3, 8, 9'), 'N', /dims \[3, 8, 9\]; the model has \[3, 8, 8\]/],
    ['another axis order', config('', 8, '8, 8, 3'), 'N', /dims \[8, 8, 3\]/],
    ['another type', config('').replace('TYPE_FP32', 'TYPE_UINT8'), 'N', /is TYPE_UINT8, and the model's TYPE_FP32/],
    [
      'another name',
      config('').replace('"x"', '"input"'),
      'N',
      /input input is not one of the model \(it has x\)[\s\S]*input x of the model is missing/,
    ],
    [
      'dynamic batching without a batch',
      config('dynamic_batching { }', 0, '-1, 3, 8, 8', '-1, 5'),
      'N',
      /puts nothing together/,
    ],
    [
      'a preferred size beyond the largest',
      config('dynamic_batching { preferred_batch_size: [ 4, 16 ] }'),
      'N',
      /preferred_batch_size 16 is more than/,
    ],
    ['an output with the batch in its dims', config('', 8, '3, 8, 8', '-1, 5'), 'N', /output y has dims \[-1, 5\]/],
    [
      'a warmup of another size',
      config(
        'model_warmup { name: "w" batch_size: 1 inputs { key: "x" value { data_type: TYPE_FP32 dims: [ 3, 8, 8 ] input_data_file: "f" } } }',
      ),
      'N',
      /warmup\/f has 5 bytes; x takes 768/,
    ],
    [
      'a warmup that is not there',
      config(
        'model_warmup { name: "w" batch_size: 16 inputs { key: "x" value { data_type: TYPE_FP32 dims: [ 3, 8, 8 ] input_data_file: "g" } } }',
      ),
      'N',
      /batch_size 16; max_batch_size is 8\n.*warmup\/g is not there/,
    ],
    [
      'a label file that is not there',
      config('').replace('dims: [ 5 ]', 'dims: [ 5 ] label_filename: "labels.txt"'),
      'N',
      /labels\.txt is not there/,
    ],
    [
      'another platform',
      config('').replace('onnxruntime_onnx', 'pytorch_libtorch'),
      'N',
      /platform is pytorch_libtorch/,
    ],
  ])('%s', (_what, text, batch, words) => {
    expect(check(text, batch, 'net', new Map([['warmup/f', 5]]))).toMatch(words);
  });

  test('a folder of another name', () => {
    expect(check(config(''), 'N', 'other')).toMatch(/called net, and its folder other/);
  });

  test.each(['name: "a', 'input {', 'max_batch_size: ', '= 3', '}'])('text that is no configuration: %j', (bad) => {
    expect(() => readTritonConfig(bad)).toThrow(expect.objectContaining({ code: 'serve/package' }));
  });

  test('the reader agrees with protobufjs on what both read', () => {
    const both = config(
      'instance_group [ { kind: KIND_CPU count: 1 } ] # a comment\n dynamic_batching { preferred_batch_size: [ 2, 4 ] }',
    );
    const ours = readTritonConfig(both);
    const theirs = parseConfig(both) as {
      max_batch_size: number;
      input: { dims: number[] }[];
      dynamic_batching: { preferred_batch_size: number[] };
    };
    expect(ours.maxBatch).toBe(theirs.max_batch_size);
    expect(ours.inputs[0]?.dims).toEqual(theirs.input[0]?.dims);
    expect(ours.preferredBatchSizes).toEqual(theirs.dynamic_batching.preferred_batch_size);
  });
});
