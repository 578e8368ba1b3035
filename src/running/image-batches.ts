import { CnnxError } from '../base/errors.js';
import type { Image } from '../tensor/image.js';

/** One file: what an input takes of it, or why it cannot be read. */
export type PreparedFile =
  | { readonly file: string; readonly image: Image }
  | { readonly file: string; readonly error: CnnxError };

/** Names of files, as they become known. */
export type Files = Iterable<string> | AsyncIterable<string>;

/**
 * Files in groups of `size`, in their order; a file that cannot be read has its error in its place. A group is prepared while the caller works on
 * the one before: two of them are in memory. Throws what `prepare` throws that is no `CnnxError`.
 */
export async function* imageBatches(
  files: Files,
  size: number,
  prepare: (file: string) => Promise<Image>,
): AsyncGenerator<readonly PreparedFile[], void, undefined> {
  let next: Promise<readonly PreparedFile[]> | undefined;
  for await (const group of groups(files, size)) {
    const ready = next;
    next = prepareAll(group, prepare);
    // Whoever asks for it is told; until then it is nobody's failure.
    next.catch(() => {});
    if (ready) yield await ready;
  }
  if (next) yield await next;
}

async function prepareAll(
  group: readonly string[],
  prepare: (file: string) => Promise<Image>,
): Promise<readonly PreparedFile[]> {
  const done: PreparedFile[] = [];
  for (const file of group) {
    try {
      done.push({ file, image: await prepare(file) });
    } catch (error) {
      if (!(error instanceof CnnxError)) throw error;
      done.push({ file, error });
    }
  }
  return done;
}

async function* groups(files: Files, size: number): AsyncGenerator<readonly string[], void, undefined> {
  let group: string[] = [];
  for await (const file of files) {
    group.push(file);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
