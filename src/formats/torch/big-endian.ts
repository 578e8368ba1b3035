import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';

/** The error for numbers whose bytes are in the other order. */
export function bigEndian(found: string): CnnxError {
  return new CnnxError(
    'torch/big-endian',
    `the byte order is '${printable(found, 20)}'; only little-endian checkpoints are read`,
    {
      hint: 'load and save the file on a little-endian machine',
    },
  );
}
