import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { BrokenSample } from '../../tasks/evaluate.js';
import type { Prediction } from '../../verify/accuracy.js';
import { withIo } from './io-error.js';

/** What an evaluation is of: records are continued, and merged, only where this is the same. */
export interface Evaluation {
  readonly models: readonly { readonly file: string; readonly sha256: string; readonly preprocess: object }[];
  readonly data: string;
  /** Samples that are to be evaluated, over all shards. */
  readonly of: number;
  readonly limit?: number | undefined;
  readonly seed: number;
  readonly names?: readonly string[] | undefined;
  /** How classes became indices. */
  readonly classes: string;
}

/** Records are one line of JSON each; the first says of what evaluation, and of which shard. */
interface Head extends Evaluation {
  readonly cnnx: 'eval';
  readonly version: 1;
  readonly shard?: string | undefined;
}

/** Results that stand in a file. */
export interface Records {
  readonly evaluation: Evaluation;
  readonly shard: string | undefined;
  readonly predictions: readonly Prediction[];
  readonly broken: readonly BrokenSample[];
}

/** Larger than the records of a million images. */
const MAX_BYTES = 2 ** 30;

const refuse = (path: string, what: string, hint: string): CnnxError =>
  new CnnxError('data/records', `${printable(path)} ${what}`, { at: { file: path }, hint });

/** Reads what an evaluation wrote; a last line that was cut off is left out. Throws `data/records` and `io/*`. */
export function readRecords(path: string): Records {
  const file = withIo(path, 'read', () => openSync(path, 'r'));
  try {
    return parse(path, textOf(path, file)).records;
  } finally {
    closeSync(file);
  }
}

function textOf(path: string, file: number): Buffer {
  const { size } = fstatSync(file);
  if (size > MAX_BYTES) throw refuse(path, `has ${size} bytes`, 'records of an evaluation were expected');
  const bytes = Buffer.alloc(size);
  withIo(path, 'read', () => readSync(file, bytes, 0, size, 0));
  return bytes;
}

function parse(path: string, bytes: Buffer): { readonly records: Records; readonly end: number } {
  const end = bytes.lastIndexOf(10) + 1;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
  const head = jsonOf(first);
  if (!isHead(head)) throw refuse(path, 'has no records of cnnx eval', 'name another file, or take this one away');
  const predictions: Prediction[] = [];
  const broken: BrokenSample[] = [];
  lines.forEach((line, i) => {
    const record = jsonOf(line);
    if (isPrediction(record, head.models.length)) predictions.push(record);
    else if (isBroken(record)) broken.push(record);
    else throw refuse(path, `has no record in line ${i + 2}`, 'the file is damaged: begin again without it');
  });
  const { cnnx: _cnnx, version: _version, shard, ...evaluation } = head;
  return { records: { evaluation, shard, predictions, broken }, end };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const has = <K extends string>(x: unknown, key: K): x is Record<K, unknown> =>
  typeof x === 'object' && x !== null && Object.hasOwn(x, key);

const isHead = (x: unknown): x is Head =>
  has(x, 'cnnx') &&
  x.cnnx === 'eval' &&
  has(x, 'version') &&
  x.version === 1 &&
  has(x, 'models') &&
  Array.isArray(x.models) &&
  x.models.every((m) => has(m, 'file') && typeof m.file === 'string') &&
  has(x, 'of') &&
  typeof x.of === 'number';

const isPlace = (x: unknown): x is { index: number; image: string } =>
  has(x, 'index') && typeof x.index === 'number' && has(x, 'image') && typeof x.image === 'string';

const isPrediction = (x: unknown, models: number): x is Prediction =>
  isPlace(x) &&
  has(x, 'truth') &&
  typeof x.truth === 'number' &&
  has(x, 'best') &&
  Array.isArray(x.best) &&
  x.best.length === models &&
  x.best.every((b) => Array.isArray(b) && b.every((n) => typeof n === 'number'));

const isBroken = (x: unknown): x is BrokenSample => isPlace(x) && has(x, 'why') && typeof x.why === 'string';

/** A file that results are added to as they come: whatever ends the process, what is in it is whole up to its last line. */
export class RecordsFile {
  readonly #file: number;
  readonly #path: string;
  /** What was there already. */
  readonly done: Pick<Records, 'predictions' | 'broken'>;

  /** Begins a file, or continues one of the same evaluation and shard. Throws `data/records` for any other. */
  constructor(path: string, evaluation: Evaluation, shard: string | undefined) {
    this.#path = path;
    this.#file = withIo(path, 'write', () => openSync(path, 'a+'));
    try {
      const bytes = textOf(path, this.#file);
      const head: Head = { cnnx: 'eval', version: 1, shard, ...evaluation };
      const { records, end } = bytes.lastIndexOf(10) < 0 && isStartOf(bytes, head) ? NOTHING : parse(path, bytes);
      if (records) {
        if (!sameEvaluation(records.evaluation, evaluation) || records.shard !== shard)
          throw refuse(path, 'has records of another evaluation', 'name another file, or take this one away');
      }
      this.done = records ?? { predictions: [], broken: [] };
      withIo(path, 'write', () => ftruncateSync(this.#file, end));
      if (!records) this.#write([head]);
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  add(predictions: readonly Prediction[], broken: readonly BrokenSample[]): void {
    this.#write([...predictions, ...broken]);
  }

  #write(lines: readonly object[]): void {
    if (lines.length === 0) return;
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    withIo(this.#path, 'write', () => writeSync(this.#file, text));
  }

  close(): void {
    closeSync(this.#file);
  }
}

const NOTHING = { records: undefined, end: 0 } as const;

/** An empty file, or one whose first line was cut off. */
const isStartOf = (bytes: Buffer, head: Head): boolean =>
  `${JSON.stringify(head)}\n`.startsWith(bytes.toString('utf8'));

export const sameEvaluation = (a: Evaluation, b: Evaluation): boolean =>
  JSON.stringify(plain(a)) === JSON.stringify(plain(b));

/** As it comes back from a file. Where models lie does not matter: their hashes tell. */
const plain = (e: Evaluation): unknown =>
  JSON.parse(JSON.stringify({ ...e, models: e.models.map(({ sha256, preprocess }) => ({ sha256, preprocess })) }));

/** All shards of one evaluation as one. Throws `data/records` where they are of different ones, or have a sample twice. */
export function mergeRecords(paths: readonly string[]): Records {
  const [first, ...others] = paths.map((path) => ({ path, records: readRecords(path) }));
  if (!first) throw new CnnxError('cli/usage', 'no records are named', { hint: 'cnnx eval --merge shard-*.jsonl' });
  for (const { path, records } of others)
    if (!sameEvaluation(first.records.evaluation, records.evaluation))
      throw refuse(path, `has records of another evaluation than ${printable(first.path)}`, 'merge the shards of one');
  const all = [first, ...others];
  const seen = new Map<number, string>();
  for (const { path, records } of all)
    for (const { index, image } of [...records.predictions, ...records.broken]) {
      const before = seen.get(index);
      if (before !== undefined)
        throw refuse(path, `has ${printable(image)}, which ${printable(before)} has too`, 'name each shard once');
      seen.set(index, path);
    }
  const byIndex = <T extends { readonly index: number }>(list: readonly T[]): readonly T[] =>
    list.toSorted((a, b) => a.index - b.index);
  return {
    evaluation: first.records.evaluation,
    shard: undefined,
    predictions: byIndex(all.flatMap((a) => a.records.predictions)),
    broken: byIndex(all.flatMap((a) => a.records.broken)),
  };
}
