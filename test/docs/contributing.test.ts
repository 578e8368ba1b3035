import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/* The rule that CONTRIBUTING.md writes from an empty file: its two files, as they stand there, in a copy of the folders that they name. */

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the worked rule is green', async () => {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  const [ruleFile = '', testFile = ''] = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '');
  expect(text).toContain('src/passes/rules/double-neg.ts');
  const copy = mkdtempSync(join(root, 'dist', 'contributing-'));
  try {
    // What the two files import is linked, file by file where the new ones lie, so that they see the sources as they are.
    const link = (path: string): void => {
      mkdirSync(join(copy, dirname(path)), { recursive: true });
      symlinkSync(join(root, path), join(copy, path));
    };
    for (const path of ['package.json', 'models', 'src/base', 'src/tensor', 'src/graph', 'src/ops', 'src/text'])
      link(path);
    for (const path of ['src/formats', 'src/running', 'src/node', 'test/support']) link(path);
    for (const path of ['src/passes/match.ts', 'src/passes/rule.ts', 'src/passes/reasons.ts', 'src/passes/runner.ts'])
      link(path);
    for (const [path, code] of [
      ['src/passes/rules/double-neg.ts', ruleFile],
      ['test/passes/rules/double-neg.test.ts', testFile],
    ] as const) {
      mkdirSync(join(copy, dirname(path)), { recursive: true });
      writeFileSync(join(copy, path), code);
    }
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', copy, '--pool', 'forks', 'test/passes/rules'],
      { cwd: copy, env: { ...process.env, CI: '1', NO_COLOR: '1' } },
    );
    expect(stdout).toMatch(/Tests +3 passed/);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
