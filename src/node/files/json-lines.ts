import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { withIo } from './io-error.js';

/**
 * The values of a file with one JSON value a line. A last line without its end is what a killed process left: it is not there. Throws `io/*`, and
 * `json/syntax` for any other line that is no JSON.
 */
export function readJsonLines(path: string): readonly unknown[] {
  const text = withIo(path, 'read', () => readFileSync(path === '-' ? 0 : path, 'utf8'));
  const complete = path === '-' ? text : text.slice(0, text.lastIndexOf('\n') + 1);
  return complete.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (error) {
      throw new CnnxError('json/syntax', `line ${i + 1} of ${printable(path)} is not JSON`, {
        at: { file: path },
        cause: error,
      });
    }
  });
}

/** A file that grows by a line at a time. What a killed process left of a line is taken off first. */
export class JsonLinesFile {
  constructor(readonly path: string) {
    if (!existsSync(path)) return;
    const bytes = withIo(path, 'read', () => readFileSync(path));
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end < bytes.length) withIo(path, 'write', () => truncateSync(path, end));
  }

  append(value: unknown): void {
    withIo(this.path, 'write', () => appendFileSync(this.path, `${JSON.stringify(value)}\n`));
  }
}
