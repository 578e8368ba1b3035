import { CnnxError } from '../base/errors.js';
import { type ErrorReport, errorReport, io } from './io.js';

/** What came of one input, in reports of `--json`: what the command found, or the error. */
export type Outcome<T> = T | { readonly file: string; readonly error: ErrorReport };

/** Does the same to each input: one that fails is reported and does not keep the others from being done; the highest exit code wins. */
export async function eachInput<T>(
  paths: readonly string[],
  action: (path: string) => Promise<T>,
): Promise<readonly Outcome<T>[]> {
  const outcomes: Outcome<T>[] = [];
  for (const path of paths) {
    try {
      outcomes.push(await action(path));
    } catch (error) {
      if (!(error instanceof CnnxError)) throw error;
      outcomes.push({ file: path, error: failed(error, path) });
    }
  }
  return outcomes;
}

/** Says what went wrong with a file, and gives the same for a report. */
export function failed(error: CnnxError, file: string): ErrorReport {
  const placed = error.within({ file });
  io.error(placed);
  return errorReport(placed);
}
