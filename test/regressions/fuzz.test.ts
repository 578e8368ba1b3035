import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { CnnxError } from '../../src/base/errors.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/index.js';
import { Editor } from '../../src/graph/edit.js';
import { parseGraph } from '../../src/graph/parse.js';
import { fuse } from '../../src/passes/fuse.js';

interface Row {
  /** What went wrong. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** The error's code and where: a byte offset or the name of a node; 'fused' for a sound model. */
  readonly expected: string;
}

const model = (text: string): Uint8Array => concat(writeOnnx(parseGraph(text)));

/** A Transpose that reads what it makes. */
function circle(): Uint8Array {
  const looped = parseGraph('(x: float32[2,2]) -> (y)\n t = Transpose<perm=[1,0]>(x)\n y = Relu(t)');
  const transpose = looped.graph.first;
  if (transpose) new Editor(looped).setInput(transpose, 0, transpose.outputs[0]);
  return concat(writeOnnx(looped));
}

/** One row for each bug that test/fuzz.test.ts found. */
const ROWS: readonly Row[] = [
  {
    what: 'seed 3907: a merge allocated numbers for 2^40 channels, which a file only declares',
    bytes: model('(x: float32[1,1099511627776,1,1]) -> (y)\n y = Sub(x, x)'),
    expected: 'fused',
  },
  {
    what: 'seed 13747: fuse followed a Transpose that reads what it makes for ever',
    bytes: circle(),
    expected: 'graph/invalid at Transpose that makes t',
  },
];

async function through(bytes: Uint8Array): Promise<string> {
  try {
    const read = readOnnx(bytes);
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
