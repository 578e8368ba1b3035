import { CnnxError } from '../base/errors.js';
import type { Model } from '../graph/ir.js';
import type { Feeds } from './session.js';
import type { Runner } from './runner.js';

/** Runs models without inputs: what passes ask for to compute constants. That it cannot be done is a reason, not an error. */
export const evaluator =
  (runner: Runner) =>
  async (region: Model): Promise<{ readonly values: Feeds } | { readonly failed: string }> => {
    try {
      const session = await runner.load(region, { optimization: 'disabled', threads: 1 });
      const values = await session.run(new Map());
      await session.release();
      return { values };
    } catch (error) {
      if (error instanceof CnnxError && error.exitCode === 3) return { failed: error.message };
      throw error;
    } finally {
      runner.forget(region);
    }
  };
