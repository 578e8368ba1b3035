import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildArchitecture, findVariant } from '../../src/builders/index.js';
import { writeSafetensors } from '../../src/formats/safetensors.js';
import { writeFile } from '../../src/node/files/write-file.js';
import { tensor, type Tensor } from '../../src/tensor/tensor.js';
import { MAIN } from '../support/cli.js';
import { isFull } from '../support/shared.js';

/** What building may hold beside the checkpoint's size, in bytes: Node itself, and the blocks on their way to the disk. */
const BESIDE = 150e6;

/** Prints the peak of the process's memory, in kilobytes, as its last act. */
const PEAK = "process.on('exit', () => process._rawDebug('peak ' + process.resourceUsage().maxRSS))";

test.runIf(isFull)('building from a checkpoint of 550 MB takes no more memory than its size and 150 MB', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cnnx-large-'));
  try {
    const { stateDict } = buildArchitecture(findVariant('vgg16'));
    const tensors = new Map(stateDict.map((p): [string, Tensor] => [p.name, zeros(p.dtype, p.shape)]));
    const checkpoint = join(folder, 'vgg16.safetensors');
    await writeFile(checkpoint, writeSafetensors({ tensors, metadata: new Map() }));
    const { size } = statSync(checkpoint);
    expect(size).toBeGreaterThan(500e6);
    const args = ['--import', `data:text/javascript,${encodeURIComponent(PEAK)}`, MAIN];
    const { status, stderr } = spawnSync(
      process.execPath,
      [...args, 'build', 'vgg16', '--weights', checkpoint, '-o', join(folder, 'v.onnx')],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    const peak = 1024 * Number(/peak (\d+)/.exec(stderr)?.[1]);
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(size + BESIDE);
    expect(statSync(join(folder, 'v.onnx')).size).toBeGreaterThan(500e6);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const zeros = (dtype: Tensor['dtype'], shape: readonly number[]): Tensor =>
  tensor(dtype, shape, new Uint8Array((dtype === 'int64' ? 8 : 4) * shape.reduce((n, d) => n * d, 1)));
