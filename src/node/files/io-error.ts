import { CnnxError, type ErrorCode } from '../../base/errors.js';
import { printable } from '../../base/text.js';

type Doing = 'read' | 'write';

const BY_ERRNO: Readonly<Record<string, { code: ErrorCode; text: string; hint?: string }>> = {
  EACCES: { code: 'io/access', text: 'permission denied', hint: 'check the permissions of the file and its folder' },
  EPERM: {
    code: 'io/access',
    text: 'operation not permitted',
    hint: 'check the permissions of the file and its folder',
  },
  EEXIST: { code: 'io/failed', text: 'there is a file of that name' },
  EDQUOT: {
    code: 'io/full',
    text: 'the disk quota is used up',
    hint: 'free some space, or write elsewhere with --out',
  },
  ENOSPC: {
    code: 'io/full',
    text: 'no space left on the device',
    hint: 'free some space, or write elsewhere with --out',
  },
  EFBIG: { code: 'io/full', text: 'the file is larger than the system allows' },
  EISDIR: { code: 'io/is-directory', text: 'it is a folder', hint: 'name a file in it' },
  ELOOP: { code: 'io/access', text: 'too many symbolic links' },
  ENAMETOOLONG: { code: 'io/failed', text: 'the name is too long' },
  ENOENT: { code: 'io/not-found', text: 'there is no such file or folder' },
  ENOTDIR: { code: 'io/not-found', text: 'a part of the path is not a folder' },
  ENXIO: { code: 'io/not-regular', text: 'it is not a plain file' },
  EROFS: { code: 'io/read-only', text: 'the file system is read-only', hint: 'write elsewhere with --out' },
};

const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Whether the reader of our output went away; not an error for a program that prints. */
export const isClosedPipe = (error: unknown): boolean => errnoOf(error) === 'EPIPE';

/** A system's error as one of ours, with the path and what was being done to it; errors that are no system errors are given back as they are. */
export function ioError(error: unknown, path: string, doing: Doing): unknown {
  const errno = errnoOf(error);
  if (error instanceof CnnxError || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return error;
  const known = BY_ERRNO[errno];
  const text = known?.text ?? errno;
  return new CnnxError(known?.code ?? 'io/failed', `cannot ${doing} ${printable(path)}: ${text}`, {
    at: { file: path },
    hint: known?.hint,
    cause: error,
  });
}

/** Runs `action`, with system errors turned into ours. */
export function withIo<T>(path: string, doing: Doing, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw ioError(error, path, doing);
  }
}

/** The same for actions that take time. */
export async function withIoAsync<T>(path: string, doing: Doing, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw ioError(error, path, doing);
  }
}
