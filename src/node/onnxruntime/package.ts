import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { cacheFolder } from '../files/cache-folder.js';
import { withIo } from '../files/io-error.js';
import { keep, removeAtExit } from '../files/temp-files.js';
import { makeFolder } from '../files/write-file.js';

/*
 * Where onnxruntime-node is. It is no dependency of the package: its install script downloads CUDA libraries, and where it cannot, npm takes
 * the whole installation back, and pnpm refuses it. The one beside us is used where there is one, and otherwise fetched at first use, by npm
 * without scripts, into the user's cache.
 */

/** What we are tested with, and fetch. */
export const ORT_VERSION = '1.30.0';

/** Of one that is installed already: older ones do not know all operator sets that we write. */
const LEAST = [1, 30] as const;

const SPEC = `onnxruntime-node@${ORT_VERSION}`;

/** What puts it beside us. */
export const INSTALL_ORT = `npm install --ignore-scripts ${SPEC}`;

const fetchedFolder = (): string => join(cacheFolder(), `onnxruntime-node-${ORT_VERSION}`);

/** The folder of onnxruntime-node's package; undefined where there is none yet. */
export function ortFolder(): string | undefined {
  return [besideUs(), join(fetchedFolder(), 'node_modules', 'onnxruntime-node')].find(
    (folder) => folder !== undefined && isUsable(folder),
  );
}

function besideUs(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  } catch {
    return undefined;
  }
}

/** The version of the package in a folder; undefined where there is none. */
export function ortVersion(folder: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : undefined;
  } catch {
    return undefined;
  }
}

function isUsable(folder: string): boolean {
  const [major, minor] = (ortVersion(folder) ?? '').split('.').map(Number);
  return major === LEAST[0] && minor !== undefined && minor >= LEAST[1];
}

/** Where a package keeps its libraries for this system; undefined where it has none. */
export function bindingFolder(folder: string | undefined = ortFolder()): string | undefined {
  if (folder === undefined) return undefined;
  const bindings = join(folder, 'bin', 'napi-v6', process.platform, process.arch);
  return existsSync(bindings) ? bindings : undefined;
}

let found: Promise<string> | undefined;

/** The folder of onnxruntime-node, fetched if need be. Throws `runtime/missing`. */
export function ensureOrt(): Promise<string> {
  found ??= findOrFetch().catch((error: unknown) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function findOrFetch(): Promise<string> {
  const there = ortFolder();
  if (there !== undefined) return there;
  const target = fetchedFolder();
  // Said whoever calls: 114 MB come over the network.
  process.stderr.write(`${SPEC} is not installed: npm fetches it, once, into ${target}\n`);
  const missing = (why: string, cause?: unknown): CnnxError =>
    new CnnxError('runtime/missing', `onnxruntime-node is not installed and could not be fetched: ${why}`, {
      hint: INSTALL_ORT,
      cause,
    });
  try {
    await fetchInto(target);
  } catch (error) {
    throw missing(error instanceof Error ? error.message : String(error), error);
  }
  const folder = ortFolder();
  if (folder === undefined) throw missing('npm brought another version');
  return folder;
}

async function fetchInto(target: string): Promise<void> {
  await makeFolder(cacheFolder());
  const fresh = withIo(target, 'write', () => mkdtempSync(join(cacheFolder(), 'fetching-')));
  removeAtExit(fresh);
  writeFileSync(join(fresh, 'package.json'), '{ "private": true }\n');
  await npm(fresh, [
    'install',
    '--prefix',
    '.',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    SPEC,
  ]);
  dropOtherSystems(join(fresh, 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6'));
  try {
    renameSync(fresh, target);
    keep(fresh);
  } catch (error) {
    // Somebody else was as quick, or what lies there is of no use.
    if (ortFolder() !== undefined) return;
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
    keep(fresh);
    if (ortFolder() === undefined) throw error;
  }
}

/** Libraries for all systems come in one package: five sixths of it. */
function dropOtherSystems(bindings: string): void {
  const drop = (folder: string, wanted: string): void => {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder))
      if (name !== wanted) rmSync(join(folder, name), { recursive: true, force: true });
  };
  drop(bindings, process.platform);
  drop(join(bindings, process.platform), process.arch);
}

/** Settings that npm hands to what it runs, as environment: of the command above us, not of this one. */
const OF_THE_CALLER = /^npm_config_(global|location|prefix|local_prefix|workspace|workspaces|dry_run|package)$/i;

/** Runs npm in a folder. Throws its last words. */
function npm(cwd: string, args: readonly string[]): Promise<void> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THE_CALLER.test(name)));
  const windows = process.platform === 'win32';
  return new Promise((done, fail) => {
    // A person who watches sees npm's own progress.
    const child = spawn(windows ? 'npm.cmd' : 'npm', args, {
      cwd,
      env,
      shell: windows,
      stdio: ['ignore', 'ignore', process.stderr.isTTY ? 'inherit' : 'pipe'],
    });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text));
    child.on('error', (error) => fail(new Error(`npm could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) done();
      else fail(new Error(`npm ended with ${signal ?? `exit code ${code}`}${lastWords(words)}`));
    });
  });
}

function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => /^npm err/i.test(line) && !/complete log|debug-0\.log/.test(line));
  const told = lines.map((line) => line.replace(/^npm err(or|!)?\s*/i, '')).filter((line) => line !== '');
  return told.length === 0 ? '' : `: ${printable(told.slice(0, 3).join('; '), 300)}`;
}
