import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** In the project, so that packages are found. */
const FOLDER = fileURLToPath(new URL('../../dist/test', import.meta.url));

/** A TypeScript program with all it imports in one file that Node runs; its path. */
export async function bundled(program: URL): Promise<string> {
  const path = fileURLToPath(program);
  const name = `${basename(fileURLToPath(new URL('.', program)))}-${basename(path, '.ts')}.js`;
  mkdirSync(FOLDER, { recursive: true });
  const bundle = await rolldown({ input: path, platform: 'node', external: /^(node:|[a-z@])/ });
  await bundle.write({ file: join(FOLDER, name), format: 'esm', sourcemap: true, codeSplitting: false });
  await bundle.close();
  return join(FOLDER, name);
}
