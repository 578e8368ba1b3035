import { CnnxError } from '../base/errors.js';
import { io } from './io.js';

/** Does the same to each input: one that fails is reported and does not keep the others from being done; the highest exit code wins. */
export async function eachInput(paths: readonly string[], action: (path: string) => Promise<void>): Promise<void> {
  for (const path of paths) {
    try {
      await action(path);
    } catch (error) {
      if (!(error instanceof CnnxError) || paths.length === 1) throw error;
      io.error(error);
    }
  }
}
