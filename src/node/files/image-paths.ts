import { readdirSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { withIo } from './io-error.js';

const IMAGE_FILE = /\.(jpe?g|png|webp)$/i;
const WILD = /[*?[\]]/;

/**
 * The files that arguments name, in order: a file itself, the images in a folder and the folders in it, or what fits a pattern (`*` and `?` within a
 * name, `[abc]`, `**` for folders of any depth). A name that is none of these is given back: whoever reads it says what is wrong. Throws `io/not-found` for a folder or a
 * pattern without images.
 */
export function imagePaths(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const found = statSync(name, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) return [name];
    if (!found && !WILD.test(name)) return [name];
    const files = found ? imagesIn(name) : matching(name);
    if (files.length > 0) return files;
    throw new CnnxError('io/not-found', `${printable(name)} ${found ? 'holds no JPEG, PNG or WebP' : 'fits no file'}`, {
      at: { file: name },
    });
  });
}

const hidden = (path: string): boolean => path.split(/[\\/]/).some((part) => part.startsWith('.'));

const filesIn = (folder: string): readonly string[] =>
  withIo(folder, 'read', () => readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    .filter((file) => !hidden(file))
    .sort();

const imagesIn = (folder: string): readonly string[] =>
  filesIn(folder)
    .filter((file) => IMAGE_FILE.test(file))
    .map((file) => join(folder, file));

/** Below the part of the pattern that has nothing to fill in. */
function matching(pattern: string): readonly string[] {
  const parts = pattern.split('/');
  const wild = parts.findIndex((part) => WILD.test(part));
  const base = parts.slice(0, wild).join('/');
  const folder = base === '' ? (pattern.startsWith('/') ? '/' : '.') : base;
  const fits = new RegExp(`^${parts.slice(wild).map(partPattern).join('/')}$`.replaceAll('(?:.+/)?/', '(?:.+/)?'));
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const deep = parts.length > wild + 1;
  const names = deep ? filesIn(folder) : withIo(folder, 'read', () => readdirSync(folder)).sort();
  return names
    .filter((file) => fits.test(file.replaceAll('\\', '/')))
    .map((file) => (base === '' && folder === '.' ? file : normalize(join(folder, file))))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false);
}

const partPattern = (part: string): string =>
  part === '**'
    ? '(?:.+/)?'
    : part
        .replace(/[.+^${}()|\\]/g, '\\$&')
        .replaceAll('*', '[^/]*')
        .replaceAll('?', '[^/]');
