import { printable, table } from '../base/text.js';
import type { DType } from '../tensor/dtype.js';
import type { Tolerance } from './tolerance.js';

/** One output, the worst over all inputs. */
export interface OutputReport {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly maxAbs: number;
  readonly rmsRelative: number;
  /** Elements that are not equal. */
  readonly unequal: number;
  readonly count: number;
  /** How far the reference is from itself, with onnxruntime's optimiser off and on. */
  readonly floor: { readonly maxAbs: number; readonly rmsRelative: number; readonly unequal: number };
  readonly tolerance: Tolerance;
  /** Rows of scores whose largest element stands in the same place; absent for other outputs. */
  readonly argMax?: { readonly same: number; readonly rows: number } | undefined;
  /** Why it does not match; absent if it does. */
  readonly mismatch?: string | undefined;
  /**
   * The reference's own noise explains the difference, and is more than its type allows: such a mismatch is no
   * evidence.
   */
  readonly noise: boolean;
  /**
   * So large a difference that only the reference's own noise could excuse it, which is then measured in another way
   * too.
   */
  readonly leans: boolean;
  /** What was compared is the input of this last operator, which hides differences. */
  readonly below?: 'Sigmoid' | 'Softmax' | undefined;
}

/** The first value, in the reference's order, that both models have and that differs. */
export interface FirstDifference {
  readonly value: string;
  /** The node of the reference that makes it. */
  readonly node: string;
  readonly op: string;
  readonly channel: number;
  /** Which of the inputs it was looked for on, from 1 on: the one on which the outputs differ most. */
  readonly run: number;
  /** Of that channel, relative to the RMS of the whole tensor. */
  readonly rmsRelative: number;
  readonly floor: number;
  /** The last value before it that was compared and agrees. */
  readonly lastEqual?: string | undefined;
}

/** Whether two models compute the same, and the figures behind that verdict. */
export interface VerifyReport {
  readonly verdict: 'match' | 'mismatch' | 'not verified';
  /** Why it was not verified, or what kind of mismatch it is beside those of the outputs. */
  readonly why?: string | undefined;
  /** What the candidate was to run on. */
  readonly provider: string;
  /** On a GPU: how many kernels each provider ran, read from the profile. */
  readonly ran?: string | undefined;
  readonly runs: number;
  readonly seed: number;
  readonly inputs: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[];
  readonly outputs: readonly OutputReport[];
  readonly first?: FirstDifference | undefined;
  readonly warnings: readonly string[];
}

const short = (x: number): string => (x === 0 ? '0' : x.toExponential(1));

/** For people: the verdict, a table with one row per output, and what is known about a difference. */
export function verifyReportText(r: VerifyReport): string {
  const lines: string[] = [];
  if (r.outputs.length > 0) {
    const rows = r.outputs.map((o) => [
      o.below ? `${printable(o.name, 40)} (before its ${o.below})` : printable(o.name, 40),
      `${o.dtype}[${o.shape.join(',')}]`,
      short(o.maxAbs),
      short(o.rmsRelative),
      short(o.floor.rmsRelative),
      o.floor.rmsRelative === 0 ? '-' : (o.rmsRelative / o.floor.rmsRelative).toFixed(1),
      short(o.tolerance.rmsRelative),
      o.argMax ? `${o.argMax.same}/${o.argMax.rows}` : '-',
      o.mismatch === undefined ? 'same' : 'DIFFERS',
    ]);
    lines.push(
      table(rows, ['output', 'type', 'max abs', 'RMS-rel', 'floor', 'ratio', 'allowed', 'arg-max', '']),
      `floor: the reference against itself, onnxruntime's optimiser off and on; ${r.runs} input${r.runs === 1 ? '' : 's'}, ${r.provider}`,
    );
    if (r.ran !== undefined) lines.push(`kernels of the second model: ${r.ran}`);
    if (r.provider === 'cuda') lines.push('TF32: requested off');
  }
  for (const o of r.outputs) if (o.mismatch !== undefined) lines.push(`${printable(o.name)}: ${o.mismatch}`);
  if (r.first) lines.push(firstText(r.first));
  for (const w of r.warnings) lines.push(`warning: ${w}`);
  lines.push(r.why === undefined ? r.verdict : `${r.verdict}: ${r.why}`);
  return lines.join('\n');
}

function firstText(f: FirstDifference): string {
  const before = f.lastEqual === undefined ? '' : `; ${printable(f.lastEqual)} still agrees`;
  const times = f.floor === 0 ? '' : `, ${(f.rmsRelative / f.floor).toPrecision(2)} times its floor`;
  return `first difference, on input ${f.run}: channel ${f.channel} of ${printable(f.value)}, made by ${f.op} ${printable(f.node)} (RMS-relative ${short(f.rmsRelative)}${times})${before}`;
}
