import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

/*
 * Before V8 runs a program it has to compile it, which takes longer than most commands do. Node keeps compiled code itself from 22.1 on
 * (`module.enableCompileCache`); this does it for older ones. V8 takes cached code only where it comes from the same V8 and a source of the
 * same length; so a folder is for one version of Node and of the program, and file names have the time and size of their source.
 */

interface Loaded {
  exports: unknown;
}

type RunModule = (
  exports: unknown,
  require: (id: string) => unknown,
  module: Loaded,
  file: string,
  folder: string,
) => void;

/** The CommonJS files of one folder, with a code cache in another. */
export class CodeCache {
  readonly #folder: string;
  readonly #cache: string;
  readonly #outside: NodeJS.Require;
  readonly #loaded = new Map<string, Loaded>();
  readonly #scripts = new Map<string, { readonly script: Script; readonly cached: string }>();

  constructor(folder: string, cache: string) {
    this.#folder = folder;
    this.#cache = cache;
    this.#outside = createRequire(join(folder, 'require.cjs'));
  }

  /** What a file of the folder exports. It runs once. */
  load(name: string): unknown {
    const known = this.#loaded.get(name);
    if (known) return known.exports;
    const module: Loaded = { exports: {} };
    this.#loaded.set(name, module);
    const run = this.#scriptOf(name).runInThisContext() as RunModule;
    const require = (id: string): unknown => (id.startsWith('./') ? this.load(id.slice(2)) : this.#outside(id));
    run.call(module.exports, module.exports, require, module, join(this.#folder, name), this.#folder);
    return module.exports;
  }

  /** Caches what was compiled: of every file that had no cached code, the functions that ran. Where it cannot write, it does nothing. */
  keep(): void {
    try {
      for (const { script, cached } of this.#scripts.values()) {
        if (script.cachedDataRejected === false) continue;
        mkdirSync(this.#cache, { recursive: true });
        const fresh = `${cached}.${process.pid}`;
        writeFileSync(fresh, script.createCachedData());
        renameSync(fresh, cached);
      }
    } catch {
      // A cache that cannot be written costs time, nothing else.
    }
  }

  #scriptOf(name: string): Script {
    const filename = join(this.#folder, name);
    const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(filename, 'utf8')}\n})`;
    const { mtimeMs, size } = statSync(filename);
    const cached = join(this.#cache, `${name}-${Math.round(mtimeMs).toString(36)}-${size.toString(36)}`);
    const script = new Script(source, { filename, cachedData: bytesOf(cached) });
    this.#scripts.set(name, { script, cached });
    return script;
  }
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
