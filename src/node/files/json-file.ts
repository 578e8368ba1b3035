import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { openSource } from './file-source.js';

/** Cards and reference files are far smaller; a checkpoint given by mistake is not read whole. */
const MAX_JSON = 64 * 1024 * 1024;

/** What a JSON file holds; '-' is standard input. Throws `io/*`, and `json/syntax` for what is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const source = await openSource(path);
  const name = path === '-' ? 'standard input' : path;
  if (source.size > MAX_JSON)
    throw new CnnxError(
      'json/syntax',
      `${printable(name)} has ${source.size} bytes: too many for JSON, at most ${MAX_JSON}`,
      {
        at: { file: name },
      },
    );
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(source.read(0, source.size))) as unknown;
  } catch (error) {
    if (error instanceof CnnxError) throw error;
    throw new CnnxError(
      'json/syntax',
      `${printable(name)} is not JSON: ${printable(error instanceof Error ? error.message : String(error))}`,
      {
        at: { file: name },
        cause: error,
      },
    );
  }
}
