import { readFileSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { defineConfig } from 'rolldown';

/** Modules of Node that take longer to load than small commands take to run, and that few commands need. */
const AT_FIRST_USE = /(?:let|const) (\w+) = require\("(node:child_process|node:crypto|node:fs\/promises)"\);\n/g;

/** Loads them where they are used, instead of at the top of the file. */
const atFirstUse = {
  name: 'at-first-use',
  renderChunk(code) {
    const names = new Map();
    const rest = code.replace(AT_FIRST_USE, (_, name, id) => {
      names.set(name, id);
      return '';
    });
    return [...names].reduce((text, [name, id]) => {
      const inPlace = text.replaceAll(new RegExp(`\\b${name}\\.`, 'g'), `require("${id}").`);
      if (new RegExp(`\\b${name}\\b`).test(inPlace))
        throw new Error(`${id} is used as a whole: it cannot be loaded at its first use`);
      return inPlace;
    }, rest);
  },
};

/** The licences of the packages that are in the bundle, in a file beside it. */
const licences = {
  name: 'licences',
  generateBundle() {
    const marker = `${sep}node_modules${sep}`;
    const packages = new Set();
    for (const id of this.getModuleIds()) {
      const at = id.lastIndexOf(marker);
      if (at < 0) continue;
      const [scope, name] = id.slice(at + marker.length).split(sep);
      packages.add(id.slice(0, at + marker.length) + (scope.startsWith('@') ? join(scope, name) : scope));
    }
    const texts = [...packages].map((folder) => {
      const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
      if (!file) throw new Error(`${folder} has no licence`);
      return `${folder.slice(folder.lastIndexOf(marker) + marker.length)}\n\n${readFileSync(join(folder, file), 'utf8')}`;
    });
    this.emitFile({ type: 'asset', fileName: 'LICENCES.txt', source: texts.join('\n\n') });
  },
};

// The command line starts in a few files instead of some two hundred. Each command stays a chunk of its own, loaded when it is called.
export default defineConfig({
  input: { main: 'src/cli/start.ts', program: 'src/cli/main.ts', 'child-main': 'src/node/machine/child-main.ts' },
  platform: 'node',
  external: /^(node:|onnxruntime-node|sharp|hono|@hono|prom-client)/,
  treeshake: { moduleSideEffects: false },
  plugins: [atFirstUse, licences],
  output: {
    dir: 'dist/bundle/cli',
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    comments: false,
    dynamicImportInCjs: false,
  },
});
