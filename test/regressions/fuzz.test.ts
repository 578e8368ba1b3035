import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { CnnxError } from '../../src/base/errors.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/index.js';
import { ensureValid } from '../../src/graph/check.js';
import { parseGraph } from '../../src/graph/parse.js';
import { registry } from '../../src/ops/index.js';
import { fuse } from '../../src/passes/fuse.js';

interface Row {
  /** What went wrong. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** The error's code and where: a byte offset or the name of a node; 'fused' for a sound model. */
  readonly expected: string;
}

const model = (text: string): Uint8Array => concat(writeOnnx(parseGraph(text)));

/** One row for each bug that test/fuzz.test.ts found. */
const ROWS: readonly Row[] = [
  {
    what: 'seed 3907: a merge allocated numbers for 2^40 channels, which a file only declares',
    bytes: model('(x: float32[1,1099511627776,1,1]) -> (y)\n y = Sub(x, x)'),
    expected: 'fused',
  },
];

async function through(bytes: Uint8Array): Promise<string> {
  try {
    const read = readOnnx(bytes);
    ensureValid(read, registry);
    await fuse(read);
    readOnnx(concat(writeOnnx(read)));
    return 'fused';
  } catch (error) {
    if (error instanceof CnnxError) return `${error.code} at ${error.at.byte ?? error.at.node}`;
    throw error;
  }
}

test.each(ROWS)('$what', async ({ bytes, expected }) => {
  expect(await through(bytes)).toBe(expected);
});
