import type { Model } from '../graph/ir.js';
import { isTensorType } from '../graph/types.js';
import { openDataset } from '../node/files/dataset.js';
import type { Dataset } from '../running/dataset.js';
import { randomData } from '../running/random-data.js';
import { requiredInputs } from '../running/required-inputs.js';
import type { Runner } from '../running/runner.js';
import type { Port } from '../running/session.js';
import { imageTensor } from '../tensor/image-tensor.js';
import { prepareImage } from '../tensor/preprocess.js';
import { imagePlan, type PreprocessOptions } from './preprocess-options.js';

interface DataOptions extends PreprocessOptions {
  /** A file or folder, or the word random. */
  readonly path: string;
  readonly truth: string | undefined;
  /** How many random inputs. */
  readonly samples: number;
  readonly seed: number;
}

/** Opens data for the input of a model that takes images, or for its only input. Throws `image/input`, `data/unreadable` and `io/*`. */
export async function openData(model: Model, runner: Runner, o: DataOptions): Promise<Dataset> {
  const { path, truth } = o;
  if (path === 'random') return randomData(model, o.samples, o.seed, runner);
  const ports = requiredInputs(model).map((v): Port => {
    const type = isTensorType(v.type) ? v.type : undefined;
    return { name: v.name, dtype: type?.dtype, shape: type?.shape?.map((d) => d ?? '?') ?? [] };
  });
  const [only, second] = ports;
  const takesImages = ports.some((p) => p.shape.length === 4);
  if (!takesImages && only && !second) return openDataset(path, { input: only.name, rank: only.shape.length, truth });
  const { input, steps } = imagePlan(model, ports, o);
  const batch = input.batch ?? 1;
  return openDataset(path, {
    input: input.name,
    rank: 4,
    truth,
    fromImage: (image) => {
      const prepared = prepareImage(image, steps);
      return imageTensor(
        Array.from({ length: batch }, () => prepared),
        steps,
        input,
      );
    },
  });
}
