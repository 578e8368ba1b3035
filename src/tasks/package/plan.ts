import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { writeRequest } from '../../formats/inference-protocol.js';
import type { Model } from '../../graph/ir.js';
import { scoreTablePort } from '../../running/class-scores.js';
import { requiredInputs } from '../../running/required-inputs.js';
import type { Runner } from '../../running/runner.js';
import type { Feeds, Port } from '../../running/session.js';
import { portText } from '../../running/session.js';
import { weightBytes } from '../../running/weight-bytes.js';
import { proveBatch } from '../../verify/batch.js';
import { type GoldenRun, makeGolden } from './golden.js';
import { dnsName, kserveManifest } from './kserve-manifest.js';
import { modelCard } from './model-card.js';
import { NODE_ENTRY, nodePackageJson } from './node-entry.js';
import { tritonConfig, tritonType } from './triton-config.js';

export const TARGETS = ['triton', 'kserve', 'node'] as const;
export type Target = (typeof TARGETS)[number];

export interface PackageOptions {
  readonly name: string;
  readonly target: Target;
  readonly runner: Runner;
  readonly version: string;
  /** The largest batch of the server; 0 for none. What the model allows, at most 8, if absent. */
  readonly maxBatch?: number | undefined;
  readonly gpu?: 'cuda' | 'tensorrt' | undefined;
  readonly instances?: number | undefined;
  readonly labels?: readonly string[] | undefined;
  /** Inputs of the golden request; drawn if absent. */
  readonly given?: Feeds | undefined;
  /** The SHA-256 of the file that was packaged, and its name. */
  readonly source: { readonly file: string; readonly sha256: string };
  readonly onProgress?: ((text: string) => void) | undefined;
}

export interface PackagePlan {
  /** Where the model goes, and whether its weights go beside it. */
  readonly model: string;
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  readonly maxBatch: number;
  readonly notes: readonly string[];
}

const DEFAULT_BATCH = 8;
/** Microseconds that a request waits for others at Triton. */
const MAX_DELAY = 2000;

/**
 * What a package holds beside the model, with the batch proven and one golden answer computed. Throws `serve/batch` where a batch is asked for that
 * the model does not have, `sizes/mixed` where its samples change each other, and what running throws.
 */
export async function planPackage(model: Model, options: PackageOptions): Promise<PackagePlan> {
  const { name, target, runner } = options;
  options.onProgress?.('computing the golden answer');
  const run = await makeGolden(model, name, runner, { given: options.given });
  options.onProgress?.('proving the batch');
  const batch = await batchOf(model, run, options);
  const files = new Map<string, string | Uint8Array>();
  const classes = scoreTablePort(run.outputs);
  const labels = options.labels !== undefined && options.labels.length === classes ? options.labels : undefined;
  const notes = [...batch.notes];
  if (options.labels && !labels)
    notes.push(`${options.labels.length} labels for ${classes ?? 'no'} classes: they were left out`);
  files.set('golden.json', `${JSON.stringify(run.golden)}\n`);
  files.set('MODEL_CARD.md', modelCard(model, { ...options, run, maxBatch: batch.size, proof: batch.proof }));
  const labelText = labels && `${labels.map((l) => l.replaceAll('\n', ' ')).join('\n')}\n`;
  if (target === 'node') {
    files.set('package.json', nodePackageJson(name, options.version));
    files.set('infer.mjs', NODE_ENTRY);
    if (labelText !== undefined) files.set('labels.txt', labelText);
    return { model: 'model.onnx', files, maxBatch: batch.size, notes };
  }
  const root = target === 'kserve' ? `model-repository/${name}` : name;
  const output = run.outputs.find((p) => p.shape.length >= 2 && p.shape[1] === classes);
  const untyped = [...run.inputs, ...run.outputs].find((p) => tritonType(p.dtype) === undefined);
  if (untyped) throw new CnnxError('serve/request', `Triton does not serve ${portText(untyped)}`);
  const warmup = run.inputs.map((port, i) => {
    const { json, tail } = writeRequest(new Map([[port.name, tensorOf(run.feeds, port)]]), { binary: true });
    const [bytes] = tail;
    if (json === '' || !bytes) throw new Error('bug: a tensor without bytes');
    files.set(`${root}/warmup/golden-${i}`, bytes);
    const { shape } = tensorOf(run.feeds, port);
    return { input: port.name, file: `golden-${i}`, dims: batch.size > 0 ? shape.slice(1) : shape };
  });
  if (labelText !== undefined) files.set(`${root}/labels.txt`, labelText);
  files.set(
    `${root}/config.pbtxt`,
    tritonConfig({
      name,
      inputs: run.inputs,
      outputs: run.outputs,
      maxBatch: batch.size,
      maxDelay: MAX_DELAY,
      gpu: options.gpu,
      instances: options.instances ?? 1,
      labels: labelText !== undefined && output ? { output: output.name, file: 'labels.txt' } : undefined,
      warmup: warmup.map((w) => ({ ...w, dims: w.dims.length === 0 ? [1] : w.dims })),
    }),
  );
  if (target === 'kserve') {
    files.set(
      `${dnsName(name)}.yaml`,
      kserveManifest({ name, weightBytes: weightBytes(model), gpu: options.gpu !== undefined }),
    );
  }
  return { model: `${root}/1/model.onnx`, files, maxBatch: batch.size, notes };
}

function tensorOf(feeds: Feeds, port: Port) {
  const t = feeds.get(port.name);
  if (!t) throw new Error(`bug: nothing is fed to ${printable(port.name)}`);
  return t;
}

interface Batch {
  readonly size: number;
  readonly proof: string;
  readonly notes: readonly string[];
}

/** The batch that a server may put together: only where axis 0 is open everywhere, and samples are proven not to change each other. */
async function batchOf(model: Model, run: GoldenRun, options: PackageOptions): Promise<Batch> {
  const { maxBatch: wanted, runner, onProgress } = options;
  if (wanted === 0) return { size: 0, proof: 'not asked for', notes: [] };
  const fixed = [...run.inputs, ...run.outputs].find((p) => typeof p.shape[0] !== 'string');
  if (fixed) {
    const why = `${portText(fixed)} has no open batch`;
    if (wanted !== undefined)
      throw new CnnxError('serve/batch', `${why}, and a batch of ${wanted} is asked for`, {
        hint: 'cnnx convert MODEL --batch N opens it, where that is proven to work',
      });
    return { size: 0, proof: why, notes: [`${why}: the server gets max_batch_size 0`] };
  }
  const axes = new Map(requiredInputs(model).map((v) => [v.name, 0]));
  const report = await proveBatch(model, model, { axes, old: 1, batches: [2, 3], runner, onProgress });
  if (report.verdict === 'proven') {
    const worst = Math.max(0, ...report.runs.map((r) => r.rmsRelative));
    const proof = `proven: 2 and 3 unlike samples together, in two orders, against each alone (RMS-relative difference ${worst.toExponential(1)})`;
    return { size: wanted ?? DEFAULT_BATCH, proof, notes: [] };
  }
  const why = report.why ?? 'samples change each other';
  if (wanted !== undefined || report.verdict === 'refuted')
    throw new CnnxError(
      report.verdict === 'refuted' ? 'sizes/mixed' : 'sizes/unproven',
      `the batch is not free: ${why}`,
      {
        hint: 'package it with --max-batch 0',
      },
    );
  return {
    size: 0,
    proof: `not proven: ${why}`,
    notes: [`the batch could not be proven free (${why}): max_batch_size 0`],
  };
}
