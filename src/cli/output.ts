import { CnnxError } from '../base/errors.js';
import { checkWritable } from '../node/files/write-file.js';
import { io } from './io.js';

/** Throws the error that writing an output would end in, before long work is done for it. A model on a terminal is one. */
export async function checkOutput(path: string): Promise<void> {
  if (path === '-' && process.stdout.isTTY)
    throw new CnnxError('cli/usage', 'standard output is a terminal, and a model is binary', {
      hint: 'name a file with --out, or pipe it into a program',
    });
  await checkWritable(path);
}

const MB = 1e6;

/** Says how far writing a file is. */
export const writing =
  (path: string) =>
  (done: number, total: number): void =>
    io.progress(`writing ${path}: ${(done / MB).toFixed(0)} of ${(total / MB).toFixed(0)} MB`);
