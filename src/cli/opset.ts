import {
  compareModels,
  convertOpset,
  type Model,
  type OpsetConversion,
  type VerifyReport,
  verifyReportText,
} from '../index.js';
import { io } from './io.js';

/** The model in another opset, what changed, and how the two compare; undefined when they differ. */
export interface Converted {
  readonly model: Model;
  readonly report: Omit<OpsetConversion, 'model'>;
  readonly check: VerifyReport | undefined;
}

/** Converts, and compares unless told not to. Gives nothing, and asks for exit code 1, when the outputs differ. */
export async function toOpset(model: Model, opset: number, verify: boolean): Promise<Converted | undefined> {
  const { model: converted, ...report } = convertOpset(model, opset);
  const nothing = report.from === report.to && report.applied.size === 0;
  if (!verify || nothing) return { model: converted, report, check: undefined };
  io.progress('comparing outputs');
  const check = await compareModels(model, converted);
  if (check.verdict !== 'mismatch') return { model: converted, report, check };
  io.note(verifyReportText(check));
  io.fail(1);
  return undefined;
}

/** What changed, line by line. */
export function opsetText({ report, check }: Converted): string {
  const { from, to, irVersion, applied } = report;
  const lines = [`opset ${from} to ${to}, IR version ${irVersion}`];
  for (const [what, count] of applied) lines.push(`  ${what} (${count} ${count === 1 ? 'node' : 'nodes'})`);
  lines.push(check ? verifyReportText(check) : 'not verified');
  return lines.join('\n');
}
