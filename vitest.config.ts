import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/collection.ts'],
    pool: 'forks',
    // vitest leaves one core idle by itself.
    maxWorkers: '100%',
    // Files share a worker's modules: loading them anew for each file takes as long as half the tests.
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
