import { concat } from '../base/bytes.js';
import { CnnxError } from '../base/errors.js';
import { internalized, writeOnnx } from '../formats/onnx/index.js';
import type { Model } from '../graph/ir.js';
import type { Tensor } from '../tensor/tensor.js';
import type { ModelProcess } from './child.js';

/** Runs models without inputs in `process`: what passes ask for to compute constants. That it cannot be done is a reason, not an error. */
export const evaluator =
  (process: ModelProcess) =>
  async (region: Model): Promise<{ readonly values: ReadonlyMap<string, Tensor> } | { readonly failed: string }> => {
    try {
      const session = await process.load(concat(writeOnnx(region, { tensor: internalized })), {
        optimization: 'disabled',
        threads: 1,
      });
      const values = await session.run(new Map());
      await session.release();
      return { values };
    } catch (error) {
      if (error instanceof CnnxError && error.exitCode === 3) return { failed: error.message };
      throw error;
    }
  };
