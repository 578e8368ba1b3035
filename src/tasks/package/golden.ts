import { CnnxError } from '../../base/errors.js';
import { readResponse, readRequest, writeRequest, writeResponse } from '../../formats/inference-protocol.js';
import type { Model } from '../../graph/ir.js';
import { withBoundaryCasts } from '../../running/boundary-casts.js';
import { type Sizes, suitableRuns } from '../../running/random-inputs.js';
import type { Runner } from '../../running/runner.js';
import { type Feeds, type Port, releaseQuietly } from '../../running/session.js';
import type { Tensor } from '../../tensor/tensor.js';
import { distance } from '../../verify/statistics.js';
import { precisionOf, toleranceFor } from '../../verify/tolerance.js';

/** What is allowed between an answer and the golden one: both have to hold. */
export interface GoldenTolerance {
  readonly rmsRelative: number;
  readonly maxAbs: number;
}

/** One request with its answer, as the protocol writes them, and how far another answer may be from it. */
export interface Golden {
  readonly schemaVersion: 1;
  readonly model: string;
  readonly request: object;
  readonly response: object;
  readonly tolerance: Readonly<Record<string, GoldenTolerance>>;
}

export interface GoldenRun {
  readonly golden: Golden;
  readonly feeds: Feeds;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** The most bytes of tensors that a golden request may have: it is JSON. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * Runs a model on inputs that it takes, with onnxruntime's optimiser off and on: the answer is that of the first, the tolerance verify's own rule.
 * Throws `runtime/*` where it cannot be run here.
 */
export async function makeGolden(
  opened: Model,
  name: string,
  runner: Runner,
  options: { readonly given?: Feeds | undefined; readonly sizes?: Sizes | undefined } = {},
): Promise<GoldenRun> {
  const { model } = withBoundaryCasts(opened);
  const session = await runner.load(model, { optimization: 'disabled', threads: 1 });
  const { inputs, outputs: ports } = session;
  try {
    const sizes = { ...options.sizes, dims: new Map([...oneRow(inputs), ...(options.sizes?.dims ?? [])]) };
    const [drawn] = options.given ? [] : await suitableRuns(session, { sizes, seed: 0, runs: 1 });
    const feeds = options.given ?? drawn?.feeds ?? new Map<string, Tensor>();
    const outputs = drawn?.outputs ?? (await session.run(feeds));
    const optimized = await runner.load(model, { optimization: 'all', threads: 1 });
    const again = await optimized.run(feeds);
    await optimized.release();
    const precision = precisionOf([opened]);
    const tolerance = Object.fromEntries(
      Array.from(outputs, ([output, t]) => {
        const other = again.get(output);
        const floor = distance(other && other.shape.join() === t.shape.join() ? other : t, t);
        return [output, toleranceFor(floor, precision)];
      }),
    );
    const request: unknown = JSON.parse(writeRequest(feeds, { binary: false, id: 'golden' }).json);
    const response: unknown = JSON.parse(
      writeResponse({ model: name, version: '1', id: 'golden' }, outputs, () => false).json,
    );
    return {
      golden: {
        schemaVersion: 1,
        model: name,
        request: Object(request) as object,
        response: Object(response) as object,
        tolerance,
      },
      feeds,
      inputs,
      outputs: ports,
    };
  } finally {
    await releaseQuietly(session);
  }
}

/** Batches of one: the first axis of inputs that leave it open. */
const oneRow = (inputs: readonly Port[]): readonly (readonly [string, number])[] =>
  inputs.flatMap((p) => (typeof p.shape[0] === 'string' ? [[p.shape[0], 1] as const] : []));

export interface GoldenDifference {
  readonly output: string;
  readonly why: string;
}

/** How an answer differs from the golden one, beyond its tolerance. Throws `serve/request` for a golden file or answer that is none. */
export function compareWithGolden(golden: Golden, answer: ReadonlyMap<string, Tensor>): readonly GoldenDifference[] {
  const expected = readResponse(new TextEncoder().encode(JSON.stringify(golden.response)), undefined);
  return Array.from(expected).flatMap(([output, t]): GoldenDifference[] => {
    const other = answer.get(output);
    if (!other) return [{ output, why: 'is not in the answer' }];
    const shown = (x: Tensor): string => `${x.dtype}[${x.shape.join()}]`;
    if (shown(other) !== shown(t)) return [{ output, why: `is ${shown(other)}; ${shown(t)} was expected` }];
    const allowed = golden.tolerance[output];
    const d = distance(other, t);
    if (!allowed || /int|bool|string/.test(t.dtype))
      return d.unequal === 0 ? [] : [{ output, why: `${d.unequal} of ${d.count} elements differ` }];
    if (d.misplaced === 0 && d.rmsRelative <= allowed.rmsRelative && d.maxAbs <= allowed.maxAbs) return [];
    const why = `differs by ${d.rmsRelative.toExponential(2)} (RMS-relative), ${d.maxAbs.toExponential(2)} at most; allowed are ${allowed.rmsRelative.toExponential(2)} and ${allowed.maxAbs.toExponential(2)}`;
    return [{ output, why }];
  });
}

/** A golden file, from its JSON. Throws `serve/request`. */
export function readGolden(value: unknown): Golden {
  const golden = value as Partial<Golden> | null;
  if (
    typeof golden !== 'object' ||
    golden === null ||
    typeof golden.model !== 'string' ||
    typeof golden.tolerance !== 'object'
  )
    throw new CnnxError(
      'serve/request',
      'this is no golden request: model, request, response and tolerance are asked for',
      {
        hint: 'cnnx package writes golden.json',
      },
    );
  readRequest(new TextEncoder().encode(JSON.stringify(golden.request)), undefined, MAX_BYTES);
  return value as Golden;
}
