import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

/*
 * Before V8 runs a program it has to compile it, which takes longer than most commands do. The build keeps what V8 made of every file of the bundle beside
 * it (`program.cjs.v8`). V8 takes that instead of compiling if it comes from the same V8 and a file of the same length, and compiles if not; so both are always made together.
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

/** The CommonJS files of one folder, with the code that was kept for them. */
export class KeptCode {
  readonly #folder: string;
  readonly #outside: NodeJS.Require;
  readonly #loaded = new Map<string, Loaded>();
  readonly #scripts = new Map<string, Script>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#outside = createRequire(join(folder, 'require.cjs'));
  }

  /** Whether what was kept for a file can be used. */
  fits(name: string): boolean {
    return this.#scriptOf(name).cachedDataRejected === false;
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

  /** Keeps what was compiled since: of every file that was loaded, the functions that ran. */
  keep(): void {
    for (const [name, script] of this.#scripts) writeFileSync(this.#keptPath(name), script.createCachedData());
  }

  #scriptOf(name: string): Script {
    const known = this.#scripts.get(name);
    if (known) return known;
    const filename = join(this.#folder, name);
    const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(filename, 'utf8')}\n})`;
    const script = new Script(source, { filename, cachedData: this.#kept(name) });
    this.#scripts.set(name, script);
    return script;
  }

  #kept(name: string): Buffer | undefined {
    try {
      return readFileSync(this.#keptPath(name));
    } catch {
      return undefined;
    }
  }

  #keptPath(name: string): string {
    return join(this.#folder, `${name}.v8`);
  }
}
