import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../src/base/bytes.js';
import { writeOnnx } from '../src/formats/onnx/index.js';
import { INSTALL_ORT, ORT_VERSION } from '../src/node/onnxruntime/package.js';
import { parseGraph } from '../src/text/parse.js';
import { packed, Registry } from './support/registry.js';

/* What is published: its files, and that it installs and runs whatever the network does. */

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const MODULES = join(PROJECT, 'node_modules');
const json = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((done, fail) => {
    const { ONNXRUNTIME_NODE_INSTALL: _, ...inherited } = process.env;
    const child = spawn(command, args, { cwd, env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
  readonly unpackedSize: number;
}

let root: string;
let tarball: Packed;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'cnnx-package-'));
  // npm 10 prepares what it packs whatever it is told, which would build anew below tests that use the build: so a copy is packed, without scripts.
  const stage = join(root, 'stage');
  const manifest = json(join(PROJECT, 'package.json'));
  for (const name of ['dist', 'docs', 'README.md', 'CHANGELOG.md', 'LICENSE'])
    cpSync(join(PROJECT, name), join(stage, name), { recursive: true });
  writeFileSync(join(stage, 'package.json'), JSON.stringify({ ...manifest, scripts: {} }));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', root], stage);
  [tarball] = JSON.parse(stdout) as [Packed];
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('what is packed: no maps to sources that are not there, no code of one Node, no paths of this machine', () => {
  const paths = tarball.files.map((f) => f.path);
  expect(paths).toContain('dist/bundle/cli/main.cjs');
  expect(paths).toContain('dist/src/index.d.ts');
  expect(paths.filter((p) => !/\.(js|cjs|d\.ts|json|md|txt|svg)$|^LICENSE$/.test(p))).toEqual([]);
  expect(paths.filter((p) => p.startsWith('dist/src/cli/'))).toEqual([]);
  expect(tarball.unpackedSize).toBeLessThan(6e6);
  const texts = paths.map((p) => [p, readFileSync(join(PROJECT, p), 'utf8')] as const);
  expect(
    texts.filter(([, text]) => text.includes(PROJECT) || text.includes('sourceMappingURL=')).map(([p]) => p),
  ).toEqual([]);
});

test('no dependency has an install script, which a package feed could make fail; nor does npm ci in a clone run one', () => {
  const manifest = json(join(PROJECT, 'package.json'));
  expect(manifest['peerDependenciesMeta']).toEqual({ 'onnxruntime-node': { optional: true } });
  const { packages } = json(join(PROJECT, 'package-lock.json')) as {
    packages: Record<
      string,
      { dev?: boolean; hasInstallScript?: boolean; dependencies?: object; optionalDependencies?: object }
    >;
  };
  const scripted = Object.entries(packages).flatMap(([path, p]) => (p.hasInstallScript ? [path] : []));
  // It only prints that it was installed.
  expect(scripted).toEqual(['node_modules/onnx-proto/node_modules/protobufjs']);
  const own = { ...(manifest['dependencies'] as object), ...(manifest['optionalDependencies'] as object) };
  expect(Object.keys(own)).not.toContain('onnxruntime-node');
  const used = (manifest['devDependencies'] as Record<string, string>)['onnxruntime-node'];
  expect(used).toBe(`^${ORT_VERSION}`);
});

describe('installed from its tarball', () => {
  let registry: Registry;
  let project: string;
  let env: Record<string, string>;
  const npx = (...args: string[]): Promise<Ended> =>
    run(join(project, 'node_modules', '.bin', 'cnnx'), args, project, env);

  beforeAll(async () => {
    const binding = `bin/napi-v6/${process.platform}/${process.arch}`;
    // The script would tell: npm is not to run it.
    const scripts = { postinstall: "node -e \"fs.writeFileSync('script-ran', ''); process.exit(1)\"" };
    registry = new Registry([
      packed(MODULES, 'valibot', ['package.json', 'dist', 'LICENSE.md']),
      packed(MODULES, 'onnxruntime-common', ['package.json', 'dist']),
      packed(MODULES, 'onnxruntime-node', ['package.json', 'dist', 'script', binding], {
        scripts,
        dependencies: { 'onnxruntime-common': ORT_VERSION },
      }),
    ]);
    await registry.listen();
    project = join(root, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "name": "theirs", "version": "1.0.0" }');
    writeFileSync(join(project, 'a.onnx'), concat(writeOnnx(parseGraph('(x: float32[1,3,8,8]) -> (y)\n y = Relu(x)'))));
    env = {
      npm_config_registry: registry.url,
      npm_config_cache: join(root, 'npm-cache'),
      npm_config_fetch_retries: '0',
      npm_config_fetch_timeout: '2000',
      npm_config_offline: 'false',
      XDG_CACHE_HOME: join(root, 'home'),
    };
    const installed = await run(
      'npm',
      ['install', '--no-audit', '--no-fund', join(root, tarball.filename)],
      project,
      env,
    );
    expect(installed).toMatchObject({ code: 0 });
  });
  afterAll(() => registry.close());

  test('without onnxruntime-node all works that runs no model, and what does ends with 3 and one line that mends it', async () => {
    expect(existsSync(join(project, 'node_modules', 'onnxruntime-node'))).toBe(false);
    expect(await npx('inspect', 'a.onnx')).toMatchObject({ code: 0, stderr: '' });
    expect(await npx('build', 'acnet', '-o', 'acnet.onnx')).toMatchObject({ code: 0, stderr: '' });
    for (const mood of ['refuses', 'hangs'] as const) {
      registry.mood = mood;
      const { code, stderr } = await npx('verify', 'a.onnx', 'a.onnx');
      expect({ mood, code }).toEqual({ mood, code: 3 });
      expect(stderr).toContain(`hint: ${INSTALL_ORT}`);
      expect(stderr).toContain('code: runtime/missing');
      expect(stderr).not.toMatch(/^ {4}at /m);
      expect(readdirSync(join(root, 'home', 'cnnx')).filter((f) => /onnxruntime|fetching/.test(f))).toEqual([]);
    }
  });

  test('the first command that runs a model fetches it, once, and no script of it runs', async () => {
    registry.mood = 'answers';
    const first = await npx('verify', 'a.onnx', 'a.onnx');
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toContain(`onnxruntime-node@${ORT_VERSION} is not installed: npm fetches it, once`);
    const requests = registry.requests;
    registry.mood = 'refuses';
    expect(await npx('verify', 'a.onnx', 'a.onnx')).toMatchObject({ code: 0, stderr: '' });
    expect(await npx('bench', 'a.onnx', '--provider', 'cpu', '--runs', '2')).toMatchObject({ code: 0, stderr: '' });
    expect(registry.requests).toBe(requests);
    const fetched = join(root, 'home', 'cnnx', `onnxruntime-node-${ORT_VERSION}`, 'node_modules', 'onnxruntime-node');
    expect(existsSync(join(fetched, 'dist'))).toBe(true);
    expect(existsSync(join(fetched, 'script-ran'))).toBe(false);
  });
});
