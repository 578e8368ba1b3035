import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Feeds } from '../../running/session.js';
import { bytesOf, elementCount } from '../../tensor/dtype.js';
import { type Tensor, tensor } from '../../tensor/tensor.js';

/** Tensors of several requests, one after the other along axis 0. They are equal in everything but the size of that axis. */
export function joinRows(requests: readonly Feeds[]): Feeds {
  const [first] = requests;
  return new Map(
    Array.from(first ?? [], ([name, { dtype, shape }]) => {
      const parts = requests.map((r) => r.get(name));
      const rows = parts.reduce((n, t) => n + (t?.shape[0] ?? 0), 0);
      const joined = new Uint8Array(parts.reduce((n, t) => n + (t?.byteLength ?? 0), 0));
      let at = 0;
      for (const part of parts) {
        if (!part) throw new Error('bug: requests of one batch have unlike inputs');
        joined.set(part.bytes(), at);
        at += part.byteLength;
      }
      return [name, tensor(dtype, [rows, ...shape.slice(1)], joined)];
    }),
  );
}

/** The outputs of a batch, taken apart along axis 0. Throws `serve/batch` for an output that does not have the batch there. */
export function splitRows(outputs: Feeds, counts: readonly number[]): readonly Feeds[] {
  const total = counts.reduce((n, c) => n + c, 0);
  const parts = counts.map(() => new Map<string, Tensor>());
  for (const [name, t] of outputs) {
    if (t.shape[0] !== total || t.strings)
      throw new CnnxError(
        'serve/batch',
        `the output ${printable(name)} is ${t.dtype}[${t.shape.join()}] for a batch of ${total}: it cannot be taken apart`,
        { hint: 'serve the model with --max-batch 1' },
      );
    const width = bytesOf(t.dtype, elementCount(t.shape.slice(1)));
    const bytes = t.bytes();
    let row = 0;
    counts.forEach((count, i) => {
      const shape = [count, ...t.shape.slice(1)];
      parts[i]?.set(name, tensor(t.dtype, shape, bytes.subarray(row * width, (row + count) * width)));
      row += count;
    });
  }
  return parts;
}
