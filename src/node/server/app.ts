import type { Hono as HonoClass, Context } from 'hono';
import { CnnxError } from '../../base/errors.js';
import { HEADER_LENGTH, readRequest, writeResponse } from '../../formats/inference-protocol.js';
import { classScores, scoreTable } from '../../running/class-scores.js';
import { imageInput, stepsFor } from '../../running/image-inputs.js';
import { portMetadata, type ServedModel } from '../../tasks/serve/served-model.js';
import { imageTensor } from '../../tensor/image-tensor.js';
import { prepareImage } from '../../tensor/preprocess.js';
import { decodeImage } from '../files/image-file.js';
import type { Metrics } from './metrics.js';
import type { ModelRepository } from './repository.js';

export interface AppOptions {
  readonly repository: ModelRepository;
  readonly metrics: Metrics;
  readonly version: string;
  /** Bytes of a request's body, and of the tensors that it may ask for. */
  readonly maxBody: number;
  /** Names of classes by model, where they are known. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
  /** Whether the server is still willing to take requests. */
  readonly isReady: () => boolean;
  readonly log: (entry: Readonly<Record<string, unknown>>) => void;
}

const VERSION = '1';
const EXTENSIONS = ['binary_tensor_data', 'model_repository'];
/** Classes that the image endpoint answers with, unless `?top=` says otherwise. */
const TOP = 5;
const MAX_TOP = 1000;

/** The HTTP status of an error: the client's fault, too much at once, or ours. */
function statusOf(error: unknown): 400 | 404 | 413 | 422 | 500 | 503 {
  if (!(error instanceof CnnxError)) return 500;
  if (error.code === 'serve/busy' || error.code === 'serve/unavailable') return 503;
  if (error.code === 'serve/request' && error.message.startsWith('there is no model')) return 404;
  if (error.code === 'serve/request' || error.code === 'runtime/input' || error.code.startsWith('image/')) return 400;
  return 500;
}

/** The Open Inference Protocol, version 2, over HTTP. */
export async function createApp(options: AppOptions): Promise<HonoClass> {
  const { Hono } = await import('hono');
  const { bodyLimit } = await import('hono/body-limit');
  const app = new Hono();
  const { repository, metrics, version } = options;

  app.onError((error, c) => fail(c, error));
  app.notFound((c) => c.json({ error: `there is nothing at ${c.req.path}` }, 404));
  app.use(
    bodyLimit({
      maxSize: options.maxBody,
      onError: (c) => c.json({ error: `a body has at most ${options.maxBody} bytes` }, 413),
    }),
  );

  app.get('/v2', (c) => c.json({ name: 'cnnx', version, extensions: EXTENSIONS }));
  app.get('/v2/', (c) => c.json({ name: 'cnnx', version, extensions: EXTENSIONS }));
  app.get('/v2/health/live', (c) => c.json({ live: true }));
  app.get('/v2/health/ready', (c) => {
    const ready = options.isReady() && repository.names.every((name) => repository.find(name) !== undefined);
    return c.json({ ready }, ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    const pending = new Map(Array.from(repository.served, ([name, m]) => [name, m.pending]));
    return c.body(await metrics.text(pending), 200, { 'content-type': metrics.contentType });
  });

  for (const prefix of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get(prefix, (c) => c.json(metadata(found(c))));
    app.get(`${prefix}/ready`, (c) => {
      checkVersion(c);
      const ready = options.isReady() && repository.find(nameOf(c)) !== undefined;
      return c.json({ name: nameOf(c), ready }, ready ? 200 : 503);
    });
    app.post(`${prefix}/infer`, (c) => timed(c, () => infer(c)));
    app.post(`${prefix}/image`, (c) => timed(c, () => classify(c)));
  }
  app.post('/v2/repository/index', (c) =>
    c.json(
      repository.names.map((name) => ({
        name,
        version: VERSION,
        state: repository.find(name) ? 'READY' : 'UNAVAILABLE',
        reason: '',
      })),
    ),
  );
  app.post('/v2/repository/models/:model/load', async (c) => {
    await repository.load(nameOf(c));
    options.log({ event: 'loaded', model: nameOf(c) });
    return c.json({});
  });
  app.post('/v2/repository/models/:model/unload', async (c) => {
    await repository.unload(nameOf(c));
    options.log({ event: 'unloaded', model: nameOf(c) });
    return c.json({});
  });
  return app;

  function fail(c: Context, error: unknown): Response {
    const status = statusOf(error);
    const message = error instanceof CnnxError ? error.message : 'an error in the server';
    const hint = error instanceof CnnxError && error.hint !== undefined ? ` (${error.hint})` : '';
    if (status === 500)
      options.log({ event: 'error', path: c.req.path, error: error instanceof Error ? error.message : String(error) });
    if (status === 503) c.header('retry-after', '1');
    return c.json({ error: `${message}${hint}` }, status);
  }

  function found(c: Context): ServedModel {
    checkVersion(c);
    const model = repository.find(nameOf(c));
    if (!model) throw new CnnxError('serve/unavailable', `the model ${nameOf(c)} is not loaded`);
    return model;
  }

  async function timed(c: Context, answer: () => Promise<Response>): Promise<Response> {
    const start = performance.now();
    const name = nameOf(c);
    const response = await answer().catch((error: unknown) => fail(c, error));
    const milliseconds = performance.now() - start;
    // A name that the server does not have is no label: anybody could make any number of them.
    metrics.answered(repository.names.includes(name) ? name : '', response.status, milliseconds);
    options.log({
      event: 'request',
      model: name,
      path: c.req.path,
      status: response.status,
      ms: Number(milliseconds.toFixed(2)),
    });
    return response;
  }

  async function infer(c: Context): Promise<Response> {
    const model = found(c);
    const body = new Uint8Array(await c.req.arrayBuffer());
    const header = c.req.header(HEADER_LENGTH);
    const request = readRequest(body, header === undefined ? undefined : Number(header), options.maxBody);
    const all = await model.infer(request.inputs);
    const outputs = request.outputs
      ? new Map(Array.from(request.outputs.keys(), (name) => [name, outputOf(all, name)]))
      : all;
    const binary = (name: string): boolean => request.outputs?.get(name)?.binary ?? request.binaryOutputs;
    const head = { model: nameOf(c), version: VERSION, id: request.id };
    const { json, tail } = writeResponse(head, outputs, binary);
    if (tail.length === 0) return c.body(json, 200, { 'content-type': 'application/json' });
    const text = new TextEncoder().encode(json);
    return c.body(joined([text, ...tail]), 200, {
      'content-type': 'application/octet-stream',
      [HEADER_LENGTH]: String(text.length),
    });
  }

  async function classify(c: Context): Promise<Response> {
    const model = found(c);
    const input = imageInput(model.inputs);
    const { steps } = stepsFor(model.model, input);
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const image = prepareImage(await decodeImage(bytes, 'the body'), steps);
    const tensor = imageTensor([image], steps, input);
    const scores = scoreTable(await model.infer(new Map([[input.name, tensor]])));
    if (!scores) throw new CnnxError('serve/request', 'no output of the model is a table of scores');
    const top = Math.min(MAX_TOP, Math.max(1, Math.trunc(Number(c.req.query('top') ?? TOP)) || TOP));
    const labels = options.labels.get(nameOf(c));
    const [classes = []] = classScores(scores, top);
    return c.json({
      model_name: nameOf(c),
      classes: classes.map((k) => ({ ...k, label: labels?.[k.index] })),
    });
  }

  function metadata(model: ServedModel): object {
    const name = [...repository.served].find(([, m]) => m === model)?.[0];
    return {
      name,
      versions: [VERSION],
      platform: 'onnxruntime_onnx',
      inputs: model.inputs.map(portMetadata),
      outputs: model.outputs.map(portMetadata),
    };
  }
}

const nameOf = (c: Context): string => c.req.param('model') ?? '';

function checkVersion(c: Context): void {
  const version = c.req.param('version');
  if (version !== undefined && version !== VERSION)
    throw new CnnxError('serve/request', `there is no model ${nameOf(c)} of version ${version}: only ${VERSION}`);
}

function outputOf<T>(outputs: ReadonlyMap<string, T>, name: string): T {
  const t = outputs.get(name);
  if (t === undefined)
    throw new CnnxError('serve/request', `the model has no output ${name}`, {
      hint: `its outputs are ${[...outputs.keys()].join(', ')}`,
    });
  return t;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
