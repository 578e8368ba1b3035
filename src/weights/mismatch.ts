import type { Built, Param } from '../builders/index.js';
import { CnnxError } from '../base/errors.js';
import { nearest, printable, table } from '../base/text.js';
import type { Tensor } from '../tensor/tensor.js';
import { isAuxiliary } from './renames.js';

/** One way in which a checkpoint and a network do not fit. */
export interface Mismatch {
  readonly problem: 'missing' | 'unexpected' | 'shape' | 'type';
  readonly name: string;
  /** Shape, and type where it is not float32. */
  readonly inFile?: string | undefined;
  readonly inNetwork?: string | undefined;
  /** The name on the other side that is most like it. */
  readonly nearest?: string | undefined;
}

export const missing = (p: Param): Mismatch => ({ problem: 'missing', name: p.name, inNetwork: shapeText(p) });
export const unexpected = (name: string, t: Tensor): Mismatch => ({
  problem: 'unexpected',
  name,
  inFile: shapeText(t),
});

export function misfit(p: Param, t: Tensor): Mismatch {
  const problem = t.shape.join() === p.shape.join() ? 'type' : 'shape';
  return { problem, name: p.name, inFile: shapeText(t), inNetwork: shapeText(p) };
}

const shapeText = ({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): string =>
  `${dtype === 'float32' ? '' : dtype}[${shape.join(', ')}]`;

/** Names further apart than this many candidates are not compared: each comparison takes the product of their lengths. */
const COMPARED = 100;

/** With the nearest name on the other side for what is missing or unexpected: of equal shape, and never twice the same search. */
export function withNearest(rows: readonly Mismatch[]): readonly Mismatch[] {
  const lack = rows.filter((r) => r.problem === 'missing');
  const extra = rows.filter((r) => r.problem === 'unexpected');
  return rows.map((row) => {
    const others = row.problem === 'missing' ? extra : row.problem === 'unexpected' ? lack : [];
    const shape = row.inFile ?? row.inNetwork;
    const same = others.filter((o) => (o.inFile ?? o.inNetwork) === shape).slice(0, COMPARED);
    return {
      ...row,
      nearest: nearest(
        row.name,
        same.map((o) => o.name),
        1,
      )[0],
    };
  });
}

/** Everything that does not fit, as a table, and what to do about it. */
export function mismatchError(built: Built, rows: readonly Mismatch[], bound: number): CnnxError {
  const count = (problem: Mismatch['problem']): number => rows.filter((r) => r.problem === problem).length;
  const counts = [
    [count('missing'), 'missing'],
    [count('unexpected'), 'unexpected'],
    [count('shape'), 'of another shape'],
    [count('type'), 'of another type'],
  ].filter(([n]) => n !== 0);
  const text = table(
    rows.map((r) => [r.problem, printable(r.name), r.inFile ?? '', r.inNetwork ?? '', printable(r.nearest ?? '')]),
    ['problem', 'name', 'in the file', 'in the network', 'nearest name'],
  );
  return new CnnxError(
    'weights/mismatch',
    `the checkpoint does not fit ${printable(built.variant.name)}: ${counts.map((c) => c.join(' ')).join(', ')}, ${bound} of ${built.stateDict.length} fit\n${text}`,
    { hint: hintFor(built, rows, bound) },
  );
}

function hintFor(built: Built, rows: readonly Mismatch[], bound: number): string {
  const classes = classifierSize(built, rows);
  if (classes !== undefined) {
    return `the checkpoint's classifier has ${classes} classes and the network's ${String(built.config['numClasses'])}: build with --num-classes ${classes}, or take everything else with --partial`;
  }
  const style = styleHint(rows);
  if (style !== undefined) return style;
  if (rows.every((r) => r.problem === 'missing' && isAuxiliary(r.name))) {
    return 'the checkpoint has no auxiliary classifiers: build without them (--no-aux), or let them start fresh with --partial';
  }
  const prefix = bound === 0 ? foreignPrefix(rows) : undefined;
  if (prefix !== undefined)
    return `all names in the file begin with ${printable(prefix)}: save the state dict of that part`;
  return bound === 0
    ? 'the checkpoint seems to be of another architecture; cnnx inspect FILE lists what it has'
    : '--partial takes what fits and leaves the rest as it starts';
}

/** The number of classes in the file, where that is all that differs. */
function classifierSize(built: Built, rows: readonly Mismatch[]): number | undefined {
  const expected = String(built.config['numClasses']);
  const pairs = rows.map((r) => ({
    found: /^\[(\d+)(.*)\]$/.exec(r.inFile ?? ''),
    wanted: /^\[(\d+)(.*)\]$/.exec(r.inNetwork ?? ''),
  }));
  const first = pairs[0]?.found?.[1];
  const same = pairs.every(
    ({ found, wanted }) => found?.[1] === first && wanted?.[1] === expected && found?.[2] === wanted?.[2],
  );
  return same && first !== undefined ? Number(first) : undefined;
}

/** Asymmetric blocks on one side, where the other has a convolution. */
function styleHint(rows: readonly Mismatch[]): string | undefined {
  const names = (problem: Mismatch['problem']): ReadonlySet<string> =>
    new Set(rows.filter((r) => r.problem === problem).map((r) => r.name));
  const [lacks, has] = [names('missing'), names('unexpected')];
  const replaces = (some: ReadonlySet<string>, block: RegExp, others: ReadonlySet<string>): boolean =>
    [...some].some((name) => block.test(name) && others.has(name.replace(block, '.weight')));
  const [authors, plain] = [/\.square_conv\.weight$/, /\.ac1\.weight$/];
  if (replaces(has, authors, lacks))
    return "the checkpoint has ACNet's blocks under their authors' names: build with --acb";
  if (replaces(has, plain, lacks)) return "the checkpoint has ACNet's blocks in the plain form: build with --acb plain";
  if (replaces(lacks, authors, has) || replaces(lacks, plain, has))
    return 'the checkpoint is of the network without asymmetric blocks: build without --acb';
  return undefined;
}

/** What stands before every name of the network in the file, if something does. */
function foreignPrefix(rows: readonly Mismatch[]): string | undefined {
  const wanted = rows.find((r) => r.problem === 'missing')?.name;
  const names = rows.filter((r) => r.problem === 'unexpected').map((r) => r.name);
  const found = wanted === undefined ? undefined : names.find((name) => name.endsWith(`.${wanted}`));
  const prefix = found?.slice(0, found.length - (wanted?.length ?? 0));
  return prefix !== undefined && names.every((name) => name.startsWith(prefix)) ? prefix : undefined;
}
