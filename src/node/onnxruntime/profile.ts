import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelRun } from '../../running/kernels.js';
import { discard, tempFolder } from '../files/temp-files.js';

/** Asks a session for its profile, and reads it. Give `prefix` to the session, release the session, then call `read`. */
export class Profile {
  readonly #folder = tempFolder();
  readonly prefix = join(this.#folder, 'profile');

  read(): readonly KernelRun[] {
    const out: KernelRun[] = [];
    for (const file of readdirSync(this.#folder)) {
      const events: unknown = JSON.parse(readFileSync(join(this.#folder, file), 'utf8'));
      if (Array.isArray(events)) for (const event of events) out.push(...kernelRun(event));
    }
    return out;
  }

  close(): void {
    discard(this.#folder);
  }
}

/** onnxruntime writes one event per kernel: cat "Node", name "..._kernel_time", dur in microseconds, args.provider, args.op_name. */
function kernelRun(event: unknown): KernelRun[] {
  const e = record(event);
  const args = record(e['args']);
  const { name, dur } = e;
  const { provider, op_name: op } = args;
  if (e['cat'] !== 'Node' || typeof name !== 'string' || !name.endsWith('_kernel_time')) return [];
  if (typeof provider !== 'string' || typeof op !== 'string') return [];
  const short = provider.replace(/ExecutionProvider$/, '').toLowerCase();
  return [{ node: name.replace(/_kernel_time$/, ''), op, provider: short, milliseconds: Number(dur) / 1000 }];
}

const record = (x: unknown): Readonly<Record<string, unknown>> =>
  typeof x === 'object' && x !== null ? (x as Readonly<Record<string, unknown>>) : {};
