import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/*
 * npm run release:check: what has to be true before a version is published. It publishes nothing. Each check that fails is a line; any line is
 * exit code 1.
 */

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly repository?: unknown;
}

const faults: string[] = [];
const check = (holds: boolean, fault: string): void => {
  if (!holds) faults.push(fault);
};
const output = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

const pack = JSON.parse(readFileSync('package.json', 'utf8')) as PackageJson;
const changelog = readFileSync('CHANGELOG.md', 'utf8');
const [, newest, date] = /^## (\d+\.\d+\.\d+)(?: - (\d{4}-\d{2}-\d{2}))?$/m.exec(changelog) ?? [];

check(pack.repository !== undefined, 'package.json names no repository: readers could not find the source');
check(/^\d+\.\d+\.\d+$/.test(pack.version), `package.json: ${pack.version} is no version to release`);
check(
  newest === pack.version,
  `CHANGELOG.md: the newest version is ${newest ?? 'none'}, package.json says ${pack.version}`,
);
check(date !== undefined, `CHANGELOG.md: the version ${newest ?? pack.version} has no date (## 1.2.3 - 2026-01-31)`);
const unreleased = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog)?.[1]?.trim() ?? '';
check(unreleased === '', 'CHANGELOG.md: there are entries under Unreleased');
check(output('git', 'status', '--porcelain') === '', 'git: there are changes that are not committed');
check(!output('git', 'tag').split('\n').includes(`v${pack.version}`), `git: the tag v${pack.version} exists already`);

/** Public checkers of packages, in fixed versions; they are no dependencies, since nothing else needs them. */
const CHECKERS: readonly (readonly [string, readonly string[]])[] = [
  ['publint', ['--yes', 'publint@0.3.25', '--strict']],
  ['are-the-types-wrong', ['--yes', '@arethetypeswrong/cli@0.18.5', '--pack', '.', '--profile', 'esm-only']],
];
for (const [name, args] of CHECKERS) {
  try {
    output('npx', ...args);
  } catch (error) {
    const text = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
    faults.push(`${name}:\n${text.trim()}`);
  }
}

for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`${pack.name} ${pack.version} may be released: npm publish, then git tag v${pack.version}`);
