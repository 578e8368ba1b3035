import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KeptCode } from '../src/cli/kept-code.js';

/*
 * The last step of the build: runs the command line on a small model, so that V8 compiles what commands need, and keeps that beside the bundle.
 */

const folder = mkdtempSync(join(tmpdir(), 'cnnx-build-'));
const model = join(folder, 'model.onnx');
const COMMANDS = [
  ['--help'],
  ['list'],
  ['build', 'resnet18', '--acb', '--init', 'golden', '-o', model],
  ['build', 'acnet', '-o', model],
  ['inspect', model],
  ['convert', model, '-o', join(folder, 'converted.onnx')],
  ['fuse', model, '--no-verify', '-o', join(folder, 'fused.onnx')],
];

const code = new KeptCode(fileURLToPath(new URL('../bundle/cli/', import.meta.url)));
const write = process.stdout.write.bind(process.stdout);
try {
  const { main } = code.load('program.cjs') as { main: (args: readonly string[]) => Promise<number> };
  process.stdout.write = () => true;
  for (const args of COMMANDS) {
    const exit = await main(args);
    if (exit !== 0) throw new Error(`cnnx ${args.join(' ')} ended with ${exit}`);
  }
  code.keep();
} finally {
  process.stdout.write = write;
  rmSync(folder, { recursive: true, force: true });
}
