import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { FileSource } from './file-source.js';

const MAX_BYTES = 16 * 2 ** 20;

/** Names of classes from a file: a JSON list, or one a line. Throws `io/*`, and `image/labels` for other JSON or another count than `classes`. */
export function readLabels(path: string, classes: number): readonly string[] {
  const source = new FileSource(path);
  const bad = (what: string, hint: string): CnnxError =>
    new CnnxError('image/labels', `${printable(path)} has ${what}`, { at: { file: path }, hint });
  try {
    if (source.size > MAX_BYTES) throw bad(`${source.size} bytes`, 'a list of names was expected');
    const text = new TextDecoder().decode(source.read(0, source.size));
    const labels = text.trimStart().startsWith('[') ? jsonList(text) : text.replace(/\r?\n$/, '').split(/\r?\n/);
    if (!labels) throw bad('JSON that is no list of texts', 'give one name a line, or ["name", ...]');
    if (labels.length !== classes)
      throw bad(
        `${labels.length} names for ${classes} classes`,
        'one name for each class, in the order of the outputs',
      );
    return labels;
  } finally {
    source.close();
  }
}

function jsonList(text: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((x) => typeof x === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

/** The names of ImageNet's 1000 classes, in the order of every network trained on it. */
export async function imagenetLabels(): Promise<readonly string[]> {
  return (await import('../../../models/labels/imagenet.json', { with: { type: 'json' } })).default;
}

/** The WordNet identifiers of ImageNet's 1000 classes, in the order of every network trained on it, which is theirs. */
export async function imagenetSynsets(): Promise<readonly string[]> {
  return (await import('../../../models/labels/imagenet-synsets.json', { with: { type: 'json' } })).default;
}
