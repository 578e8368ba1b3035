import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { discard, tempFolder } from './temp-files.js';

/** One kernel as it ran: a node of the graph that onnxruntime made of the model. */
export interface KernelRun {
  readonly node: string;
  readonly op: string;
  /** Which provider ran it: 'cpu', 'cuda', 'webgpu'. */
  readonly provider: string;
  readonly milliseconds: number;
}

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

/** How many kernels each provider ran, most first: `cpu 12, webgpu 3`. */
export function providersText(runs: readonly KernelRun[]): string {
  const counts = new Map<string, number>();
  for (const { provider } of runs) counts.set(provider, (counts.get(provider) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([provider, n]) => `${provider} ${n}`)
    .join(', ');
}
