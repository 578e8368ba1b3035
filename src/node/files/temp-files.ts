import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Files and folders that must not outlive their purpose. Whatever ends the process in an orderly way (an error, a signal that the command
 * line turns into an exit) removes what is left; only kill -9 leaves a temporary file behind.
 */
const pending = new Set<string>();
let hooked = false;

/** From now on `path` is removed when the process ends. */
export function removeAtExit(path: string): void {
  if (!hooked) {
    hooked = true;
    process.on('exit', () => {
      for (const path of pending) rmSync(path, { recursive: true, force: true });
    });
  }
  pending.add(path);
}

/** It has found its place and stays. */
export const keep = (path: string): boolean => pending.delete(path);

/** Removes it now. */
export function discard(path: string): void {
  rmSync(path, { recursive: true, force: true });
  pending.delete(path);
}

/** A fresh folder in the system's temporary folder, readable by this user only. */
export function tempFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'cnnx-'));
  removeAtExit(path);
  return path;
}
