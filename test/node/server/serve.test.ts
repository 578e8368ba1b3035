import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { CnnxError } from '../../../src/base/errors.js';
import { Batcher } from '../../../src/tasks/serve/batcher.js';
import { splitRows } from '../../../src/tasks/serve/rows.js';
import { ServedModel } from '../../../src/tasks/serve/served-model.js';
import { readRequest, readResponse, writeRequest } from '../../../src/formats/inference-protocol.js';
import { writeOnnx } from '../../../src/formats/onnx/index.js';
import { startRunner } from '../../../src/node/machine/process-runner.js';
import { createSession } from '../../../src/node/onnxruntime/session.js';
import { saveModel } from '../../../src/node/files/save-model.js';
import { createMetrics } from '../../../src/node/server/metrics.js';
import { ModelRepository } from '../../../src/node/server/repository.js';
import { listen, type RunningServer } from '../../../src/node/server/server.js';
import type { Feeds, Session } from '../../../src/running/session.js';
import { asFloat32, float32Tensor } from '../../../src/tensor/tensor.js';
import { seededTensor } from '../../../src/tensor/seeded.js';
import { parseGraph } from '../../../src/text/parse.js';

/* A server on the loopback, clients by fetch and by hand; answers are compared with onnxruntime in this process. */

const NET = `(x: float32[N,3,8,8]) -> (y: float32[N,5])
 c = Conv<pads=[1,1,1,1]>(x, w: float32[4,3,3,3])
 g = GlobalAveragePool(c)
 f = Flatten(g)
 y = Gemm(f, v: float32[4,5])`;

let folder: string;
let server: RunningServer;
let repository: ModelRepository;
let direct: Session;
const logged: Readonly<Record<string, unknown>>[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-serve-'));
  const model = parseGraph(NET, { seed: 3 });
  await saveModel(model, join(folder, 'net.onnx'));
  await saveModel(parseGraph('(s: string[N]) -> (t: string[N])\n t = Identity(s)'), join(folder, 'text.onnx'));
  direct = await createSession(concat(writeOnnx(model)), { threads: 1 });
  repository = new ModelRepository(
    [
      { name: 'net', path: join(folder, 'net.onnx') },
      { name: 'text', path: join(folder, 'text.onnx') },
    ],
    ({ name }) => ({
      startRunner,
      load: { threads: 1 },
      limits: { timeout: 20_000 },
      workers: name === 'net' ? 2 : 1,
      maxBatch: name === 'net' ? 4 : 1,
      maxDelay: 2,
      maxQueue: 64,
    }),
  );
  for (const name of repository.names) await repository.load(name);
  server = await listen(
    {
      repository,
      metrics: await createMetrics(),
      version: 'test',
      maxBody: 2 ** 20,
      labels: new Map([['net', ['a', 'b', 'c', 'd', 'e']]]),
      log: (entry) => logged.push(entry),
    },
    { host: '127.0.0.1', port: 0, requestTimeout: 3000 },
  );
}, 60_000);
afterAll(async () => {
  await server.close(100);
  await repository.close();
  await direct.release();
  rmSync(folder, { recursive: true, force: true });
});

const image = (rows: number, seed: number) => seededTensor('float32', [rows, 3, 8, 8], 'x', seed);
const expected = async (rows: number, seed: number): Promise<number[]> => {
  const y = (await direct.run(new Map([['x', image(rows, seed)]]))).get('y');
  return y ? [...asFloat32(y)] : [];
};
const post = (path: string, body: RequestInit['body'], headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, { method: 'POST', body: body ?? null, headers });
const errorOf = async (response: Response): Promise<string> => ((await response.json()) as { error: string }).error;

/** One request as bytes, as a client with the binary extension sends it. */
async function inferBinary(rows: number, seed: number): Promise<Response> {
  const { json, tail } = writeRequest(new Map([['x', image(rows, seed)]]), { binary: true, id: String(seed) });
  const head = new TextEncoder().encode(json);
  return post('/v2/models/net/infer', Buffer.concat([head, ...tail]), {
    'inference-header-content-length': String(head.length),
    'content-type': 'application/octet-stream',
  });
}

async function numbersOf(response: Response): Promise<number[]> {
  const header = response.headers.get('inference-header-content-length');
  const body = new Uint8Array(await response.arrayBuffer());
  const y = readResponse(body, header === null ? undefined : Number(header)).get('y');
  return y ? [...asFloat32(y)] : [];
}

describe('the protocol', () => {
  test('server, health, metadata', async () => {
    const get = async (path: string): Promise<unknown> => (await fetch(`${server.url}${path}`)).json();
    expect(await get('/v2')).toMatchObject({
      name: 'cnnx',
      version: 'test',
      extensions: expect.arrayContaining(['binary_tensor_data']) as unknown,
    });
    expect(await get('/v2/health/live')).toEqual({ live: true });
    expect(await get('/v2/health/ready')).toEqual({ ready: true });
    expect(await get('/v2/models/net/ready')).toEqual({ name: 'net', ready: true });
    expect(await get('/v2/models/net/versions/1')).toEqual({
      name: 'net',
      versions: ['1'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3, 8, 8] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 5] }],
    });
  });

  test('JSON, flat and nested, and the outputs that are asked for', async () => {
    const x = [...asFloat32(image(1, 1))];
    const nested = [
      [0, 1, 2].map((c) => Array.from({ length: 8 }, (_, r) => x.slice(64 * c + 8 * r, 64 * c + 8 * r + 8))),
    ];
    for (const data of [x, nested]) {
      const request = {
        id: '7',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3, 8, 8], data }],
        outputs: [{ name: 'y' }],
      };
      const response = await post('/v2/models/net/infer', JSON.stringify(request));
      const json = (await response.json()) as { outputs: { data: number[] }[] };
      expect(json).toMatchObject({
        model_name: 'net',
        model_version: '1',
        id: '7',
        outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 5] }],
      });
      expect(json.outputs[0]?.data.map(Math.fround)).toEqual(await expected(1, 1));
    }
  });

  test('tensors as bytes give the same bits', async () => {
    const response = await inferBinary(2, 5);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(await numbersOf(response)).toEqual(await expected(2, 5));
  });

  test('strings, as JSON and as bytes', async () => {
    const words = ['', 'grüße', 'a b'];
    const json = { inputs: [{ name: 's', datatype: 'BYTES', shape: [3], data: words }] };
    const response = (await (await post('/v2/models/text/infer', JSON.stringify(json))).json()) as {
      outputs: { data: string[] }[];
    };
    expect(response.outputs[0]?.data).toEqual(words);
    const parts = words.map((w) => Buffer.from(w)).flatMap((b) => [Buffer.from(Uint32Array.of(b.length).buffer), b]);
    const tail = Buffer.concat(parts);
    const head = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 's', datatype: 'BYTES', shape: [3], parameters: { binary_data_size: tail.length } }],
        outputs: [{ name: 't', parameters: { binary_data: true } }],
      }),
    );
    const binary = await post('/v2/models/text/infer', Buffer.concat([head, tail]), {
      'inference-header-content-length': String(head.length),
    });
    const size = Number(binary.headers.get('inference-header-content-length'));
    expect(Buffer.from(await binary.arrayBuffer()).subarray(size)).toEqual(tail);
  });

  test('an image becomes classes with their names', async () => {
    const bytes = readFileSync(new URL('../../fixtures/images/cat.jpg', import.meta.url));
    const response = await post('/v2/models/net/image?top=2', bytes);
    const { classes } = (await response.json()) as { classes: { label: string; probability: number }[] };
    expect(classes).toHaveLength(2);
    expect('abcde').toContain(classes[0]?.label);
    expect((classes[0]?.probability ?? 0) >= (classes[1]?.probability ?? 1)).toBe(true);
  });
});

test('requests that come together are run together, and each gets its own answer', async () => {
  const seeds = Array.from({ length: 24 }, (_, i) => 100 + i);
  const answers = await Promise.all(seeds.map(async (seed) => numbersOf(await inferBinary(1 + (seed % 3), seed))));
  for (const [i, seed] of seeds.entries()) {
    const own = await expected(1 + (seed % 3), seed);
    answers[i]?.forEach((v, k) => expect(Math.abs(v - (own[k] ?? 0))).toBeLessThan(1e-6));
    expect(answers[i]).toHaveLength(own.length);
  }
});

describe('what is wrong is a status and a reason, never a crash', () => {
  const tensor = (more: object) =>
    JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3, 8, 8], data: [], ...more }] });

  test.each([
    ['no JSON', 'not json', /not JSON/],
    ['no object', '[1]', /not a JSON object/],
    ['no inputs', '{}', /inputs is not a list/],
    [
      'an unknown input',
      JSON.stringify({ inputs: [{ name: 'z', datatype: 'FP32', shape: [1], data: [1] }] }),
      /no input z/,
    ],
    ['too little data', tensor({ data: [1, 2] }), /192 elements; its data has 2/],
    ['the wrong type', tensor({ datatype: 'INT8', data: Array.from({ length: 192 }, () => 1) }), /asked for/],
    ['a type that there is not', tensor({ datatype: 'FP31' }), /none of BOOL/],
    ['a negative size', tensor({ shape: [-1, 3, 8, 8] }), /among its sizes/],
    ['a shape beyond memory', tensor({ shape: [1e9, 1e9, 1e9, 1e9] }), /more than/],
    ['strings for numbers', tensor({ data: Array.from({ length: 192 }, () => 'x') }), /its data has "x"/],
    ['deep nesting', tensor({ data: JSON.parse(`${'['.repeat(100)}1${']'.repeat(100)}`) as unknown }), /deep/],
    ['bytes that are not there', tensor({ data: undefined, parameters: { binary_data_size: 768 } }), /bytes are left/],
  ])('%s', async (_what, body, words) => {
    const response = await post('/v2/models/net/infer', body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatch(words);
  });

  test('models, versions, outputs and paths that there are not', async () => {
    expect((await post('/v2/models/other/infer', '{}')).status).toBe(404);
    expect((await post('/v2/models/..%2f..%2fetc%2fpasswd/infer', '{}')).status).toBe(404);
    expect((await post('/v2/models/net/versions/9/infer', '{}')).status).toBe(404);
    expect((await fetch(`${server.url}/nothing`)).status).toBe(404);
    const wrong = await post(
      '/v2/models/net/infer',
      JSON.stringify({
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3, 8, 8], data: [...asFloat32(image(1, 1))] }],
        outputs: [{ name: 'q' }],
      }),
    );
    expect(await errorOf(wrong)).toMatch(/no output q/);
    const picture = await post('/v2/models/net/image', 'no picture');
    expect(picture.status).toBe(400);
    expect(await errorOf(picture)).toMatch(/no JPEG/);
  });

  test('a body beyond the limit is 413', async () => {
    expect((await post('/v2/models/net/infer', new Uint8Array(2 ** 20 + 1))).status).toBe(413);
  });

  test('a request that never ends is closed', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write('POST /v2/models/net/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"half":');
    const closed = await new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', () => resolve(text));
    });
    expect(closed).toMatch(/^HTTP\/1\.1 4\d\d|^$/);
    expect(await numbersOf(await inferBinary(1, 9))).toEqual(await expected(1, 9));
  });
});

test('processes that are killed are replaced: every request is answered, and none wrongly', async () => {
  const children = (): number[] =>
    execFileSync('pgrep', ['-P', String(process.pid), '-f', 'child-main'], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  let failed = 0;
  for (let round = 0; round < 6; round++) {
    const seeds = Array.from({ length: 12 }, (_, i) => 1000 * round + i);
    const answers = seeds.map((seed) => inferBinary(1, seed));
    const [victim] = children();
    if (victim !== undefined && round % 2 === 0) process.kill(victim, 'SIGKILL');
    for (const [i, response] of (await Promise.all(answers)).entries()) {
      if (response.status === 500) {
        failed += 1;
        expect(await errorOf(response)).toMatch(/process that ran the model/);
        continue;
      }
      expect(response.status).toBe(200);
      const own = await expected(1, seeds[i] ?? 0);
      (await numbersOf(response)).forEach((v, k) => expect(Math.abs(v - (own[k] ?? 0))).toBeLessThan(1e-6));
    }
  }
  expect(failed).toBeLessThan(40);
  expect(await numbersOf(await inferBinary(1, 2))).toEqual(await expected(1, 2));
}, 60_000);

test('loading again replaces the processes, while requests go on', async () => {
  const before = inferBinary(1, 3);
  expect((await post('/v2/repository/models/net/load', '')).status).toBe(200);
  expect(await numbersOf(await before)).toEqual(await expected(1, 3));
  expect(await numbersOf(await inferBinary(1, 4))).toEqual(await expected(1, 4));
  const index = (await (await post('/v2/repository/index', '')).json()) as { name: string; state: string }[];
  expect(index.map((m) => [m.name, m.state])).toEqual([
    ['net', 'READY'],
    ['text', 'READY'],
  ]);
  await post('/v2/repository/models/text/unload', '');
  expect((await post('/v2/models/text/infer', '{}')).status).toBe(503);
  expect((await fetch(`${server.url}/v2/health/ready`)).status).toBe(503);
  await post('/v2/repository/models/text/load', '');
  expect((await fetch(`${server.url}/v2/health/ready`)).status).toBe(200);
});

test('metrics and logs say what happened', async () => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).toMatch(/^cnnx_requests_total\{model="net",status="200"\} \d+$/m);
  expect(text).toMatch(/^cnnx_request_seconds_count\{model="net"\} \d+$/m);
  expect(text).not.toMatch(/passwd/);
  expect(logged.some((l) => l['event'] === 'request' && l['status'] === 200)).toBe(true);
});

test('a queue that is full refuses, and goes on when there is room', async () => {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const run = async (feeds: Feeds): Promise<Feeds> => {
    await gate;
    return feeds;
  };
  const batcher = new Batcher(run, { maxBatch: 1, maxDelay: 0, maxQueue: 3, parallel: 1 });
  const feeds = new Map([['x', float32Tensor([1], [1])]]);
  const taken = [batcher.infer(feeds), batcher.infer(feeds), batcher.infer(feeds)];
  await expect(batcher.infer(feeds)).rejects.toThrow(expect.objectContaining({ code: 'serve/busy' }));
  release();
  expect(await Promise.all(taken)).toEqual([feeds, feeds, feeds]);
  expect(await batcher.infer(feeds)).toEqual(feeds);
});

test('one bad request of a batch fails alone; a batch that cannot be taken apart is said', async () => {
  const bad = (feeds: Feeds): boolean => asFloat32(feeds.get('x') ?? float32Tensor([0], [])).includes(-1);
  const run = (feeds: Feeds): Promise<Feeds> =>
    bad(feeds) ? Promise.reject(new CnnxError('runtime/run', 'no')) : Promise.resolve(feeds);
  const batcher = new Batcher(run, { maxBatch: 8, maxDelay: 1, maxQueue: 8, parallel: 1 });
  const one = (v: number): Feeds => new Map([['x', float32Tensor([1], [v])]]);
  const results = await Promise.allSettled([batcher.infer(one(1)), batcher.infer(one(-1)), batcher.infer(one(3))]);
  expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(() => splitRows(one(1), [1, 1])).toThrow(expect.objectContaining({ code: 'serve/batch' }));
  await expect(
    ServedModel.start(parseGraph('(x: float32[1,2]) -> (y)\n y = Relu(x)'), {
      startRunner,
      load: {},
      workers: 1,
      maxBatch: 2,
      maxDelay: 0,
      maxQueue: 1,
    }),
  ).rejects.toThrow(expect.objectContaining({ code: 'serve/batch' }));
});

test('an address that is taken is an error in words', async () => {
  const { port } = new URL(server.url);
  const options = {
    repository,
    metrics: await createMetrics(),
    version: '',
    maxBody: 1,
    labels: new Map(),
    log: () => {},
  };
  await expect(listen(options, { host: '127.0.0.1', port: Number(port), requestTimeout: 1000 })).rejects.toThrow(
    expect.objectContaining({ code: 'serve/unavailable' }),
  );
});

test('what is no request or response is refused', () => {
  const bytes = new TextEncoder().encode('{}');
  for (const read of [() => readResponse(bytes, undefined), () => readRequest(bytes, 99, 1)])
    expect(read).toThrow(expect.objectContaining({ code: 'serve/request' }));
});

test('a request as JSON', () => {
  const inputs = new Map([['x', float32Tensor([2], [1.5, -2])]]);
  const { json } = writeRequest(inputs, { binary: false });
  expect(JSON.parse(json)).toEqual({ inputs: [{ name: 'x', datatype: 'FP32', shape: [2], data: [1.5, -2] }] });
});
