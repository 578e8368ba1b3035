import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

/* What a page that imports `cnnx/core` gets: one file, with no module of Node, of onnxruntime or of sharp in it. */

const entry = fileURLToPath(new URL('../../src/core.ts', import.meta.url));

async function bundled(code: string): Promise<string> {
  const bundle = await rolldown({
    input: 'page',
    platform: 'browser',
    treeshake: { moduleSideEffects: false },
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === 'page' ? id : id === 'cnnx/core' ? entry : undefined),
        load: (id) => (id === 'page' ? code : undefined),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false });
  await bundle.close();
  expect(output.length).toBe(1);
  return output[0].code;
}

test('all of cnnx/core has no import left, and its size is known', async () => {
  const code = await bundled("export * from 'cnnx/core';");
  expect(code).not.toMatch(/\bfrom\s*["']|\brequire\(|["']node:|\bimport\(/);
  const kilobytes = Math.round(gzipSync(code).length / 1000);
  // The page's budget is 300 kB before onnxruntime-web: the core may not take all of it.
  expect(kilobytes).toBeLessThan(200);
});

test('a page that only reads and writes models leaves the rest out', async () => {
  const all = await bundled("export * from 'cnnx/core';");
  const some = await bundled("export { readOnnx, exportOnnx } from 'cnnx/core';");
  expect(some.length).toBeLessThan(all.length / 3);
});
