import { Worker } from 'node:worker_threads';
import { CnnxError } from '../../base/errors.js';
import { type Answer, type Failure, fromWire, type Reply, type Request, toWire } from './child-messages.js';
import { logErrors } from '../onnxruntime/ort.js';
import { drawInputs } from '../../running/draw.js';
import type { Session } from '../../running/session.js';
import { createSession } from '../onnxruntime/session.js';

/*
 * The process in which models run. onnxruntime blocks its thread, and a model can hang or kill it; so this does what it
 * is told, one thing after another, and its parent watches the clock. A thread of its own watches the memory and the
 * parent, since nothing here can while onnxruntime runs.
 */

const sessions = new Map<number, Session>();
let count = 0;

async function serve(request: Request): Promise<Answer> {
  switch (request.kind) {
    case 'load': {
      const session = await createSession(request.model, request.options);
      count += 1;
      sessions.set(count, session);
      return { session: count, inputs: session.inputs, outputs: session.outputs };
    }
    case 'run':
      return toWire(await find(request.session).run(fromWire(request.feeds), request.fetches));
    case 'draw':
      return toWire(drawInputs(request.drawing));
    case 'time':
      return find(request.session).time(request.feeds && fromWire(request.feeds), request.count);
    case 'usage':
      return { peakMemory: process.resourceUsage().maxRSS * 1024 };
    case 'release': {
      const session = find(request.session);
      sessions.delete(request.session);
      await session.release();
      return undefined;
    }
  }
}

function find(id: number): Session {
  const session = sessions.get(id);
  if (!session) throw new Error(`bug: session ${id} is not open`);
  return session;
}

const failure = (error: unknown): Failure =>
  error instanceof CnnxError
    ? { code: error.code, message: error.message, hint: error.hint, at: error.at }
    : { code: undefined, message: error instanceof Error ? error.message : String(error), hint: undefined, at: {} };

let queue: Promise<void> = Promise.resolve();
process.on('message', ({ id, request }: { id: number; request: Request }) => {
  queue = queue.then(async () => {
    const reply: Reply = await serve(request).then(
      (value) => ({ id, value }),
      (error: unknown) => ({ id, failure: failure(error) }),
    );
    await new Promise<void>((done) => process.send?.(reply, undefined, undefined, () => done()));
  });
});
process.on('disconnect', () => process.exit(0));

/** Polls ten times a second. SIGKILL, since nothing gentler gets through to a thread inside onnxruntime. */
const WATCHDOG = `
  const { workerData } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  setInterval(() => {
    if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
    if (process.memoryUsage.rss() <= workerData.limit) return;
    writeSync(2, 'cnnx: memory limit');
    process.kill(process.pid, 'SIGKILL');
  }, 100);
`;

const limit = Number(process.argv[2]);
if (process.argv[3] === 'log-errors') logErrors();
const watchdog = new Worker(WATCHDOG, { eval: true, workerData: { limit, parent: process.ppid } });
watchdog.unref();
