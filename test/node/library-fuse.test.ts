import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { fuse, openModel, operatorCounts } from '../../src/index.js';
import { parseGraph } from '../../src/text/parse.js';
import { cnnx } from '../support/cli.js';

test('fuse of the library folds what the command does: constants that only a runtime can compute', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cnnx-library-'));
  try {
    const path = join(folder, 'm.onnx');
    const text = '(x: float32[1,3,8,8]) -> (y)\n e = Exp(w: float32[4,3,3,3])\n t = Tanh(e)\n y = Conv(x, t)';
    writeFileSync(path, concat(writeOnnx(parseGraph(text))));
    expect((await cnnx(['fuse', path, '-o', join(folder, 'command.onnx')])).code).toBe(0);
    const model = await openModel(path);
    await fuse(model);
    expect(operatorCounts(model)).toEqual(new Map([['Conv', 1]]));
    expect(operatorCounts(await openModel(join(folder, 'command.onnx')))).toEqual(operatorCounts(model));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
