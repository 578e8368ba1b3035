import { defineConfig } from 'rolldown';

// The command line starts in a few files instead of some two hundred. Each command stays a chunk of its own, loaded when it is called; packages stay outside.
export default defineConfig({
  input: { main: 'src/cli/main.ts', 'child-main': 'src/runtime/child-main.ts' },
  platform: 'node',
  external: /^(node:|[a-z@])/,
  treeshake: { moduleSideEffects: false },
  output: {
    dir: 'dist/bundle/cli',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    comments: false,
  },
});
