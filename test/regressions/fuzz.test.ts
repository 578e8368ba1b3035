import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { CnnxError } from '../../src/base/errors.js';
import { readOnnx, writeOnnx } from '../../src/formats/onnx/index.js';
import { checkModel } from '../../src/graph/check.js';
import { Editor } from '../../src/graph/edit.js';
import type { Model } from '../../src/graph/ir.js';
import { parseGraph } from '../../src/text/parse.js';
import { registry } from '../../src/ops/index.js';
import { fuse } from '../../src/passes/fuse.js';
import { parseWire, printWire, type WireField } from '../support/wire.js';

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
  {
    what: 'seed 62478: the algebra read the input that a Concat leaves out',
    bytes: model('(x: float32[2,4,3,3]) -> (y)\n y = Concat<axis=1>(x, _, x)'),
    expected: 'fused',
  },
  {
    what: 'seed 39048: inference read the input that a SequenceConstruct leaves out',
    bytes: model('(x: float32[2,2]) -> (y)\n s = SequenceConstruct(x, _)\n y = ConcatFromSequence<axis=0>(s)'),
    expected: 'fused',
  },
  {
    what: 'seed 26076: a wrong declaration of an output became that of an inner value, and the result was refused',
    bytes: model(
      '(x: float32[2,4,1], s: float32[2,4,3]) -> (y, p: float32[2,4,3])\n c = Concat<axis=2>(s, x)\n' +
        ' y = Conv<group=4>(c, w: float32[4,1,4])\n' +
        ' p = Slice(c, b: int64[1] = [0], e: int64[1] = [4], a: int64[1] = [2])',
    ),
    expected: 'fused',
  },
  {
    what: 'seed 65928: a merge allocated the kernel of an AveragePool with a window of -2',
    bytes: model(
      '(x: float32[1,2,8,8]) -> (y)\n c = Conv(x, w: float32[3,2,1,1])\n y = AveragePool<kernel_shape=[-2,2]>(c)',
    ),
    expected: 'fused',
  },
  {
    what: 'seed 29042: pads beyond the exact numbers were written out as negative ones',
    bytes: model(
      '(x: float32[1,2,4,4]) -> (y)\n c = Conv<pads=[1,1,9223372036854775807,1]>(x, k: float32[3,2,3,3])\n' +
        ' y = BatchNormalization(c, s: float32[3], b: float32[3], m: float32[3], v: float32[3])',
    ),
    expected: 'fused',
  },
];

const errorsOf = (m: Model): string[] =>
  checkModel(m, registry).flatMap((p) => (p.severity === 'error' ? [p.message] : []));

async function through(bytes: Uint8Array): Promise<string> {
  try {
    const read = readOnnx(bytes);
    const before = errorsOf(read);
    await fuse(read);
    const after = errorsOf(readOnnx(concat(writeOnnx(read))));
    return before.length === 0 && after.length > 0 ? `worse: ${after.join('; ')}` : 'fused';
  } catch (error) {
    if (error instanceof CnnxError) return `${error.code} at ${error.at.byte ?? error.at.node}`;
    throw error;
  }
}

test.each(ROWS)('$what', async ({ bytes, expected }) => {
  expect(await through(bytes)).toBe(expected);
});

/** A Flatten with its axis given twice, as 1 and then as 2: the last counts. */
function axisTwice(): Uint8Array {
  const twice = (field: WireField): WireField[] => {
    if (field.type === 'Attribute')
      return [1n, 2n].map((value) => ({
        ...field,
        children: field.children?.map((f) => (f.number === 3 ? { ...f, value } : f)),
      }));
    return [{ ...field, children: field.children?.flatMap(twice) }];
  };
  return printWire(parseWire(model('(x: float32[2,3,4]) -> (y)\n y = Flatten<axis=1>(x)')).flatMap(twice));
}

test('seed 33493: of an attribute given twice, what does not count was written last', () => {
  const read = readOnnx(axisTwice());
  const axis = (m: Model): unknown => m.graph.first?.attrs.get('axis');
  expect(axis(read)).toMatchObject({ value: 2n });
  expect(axis(readOnnx(concat(writeOnnx(read, { reencode: true }))))).toMatchObject({ value: 2n });
});

test('seed 93902: an attribute given twice behind another changed places with it each time it was written anew', () => {
  const lastTwice = (field: WireField): WireField => {
    const children = field.children?.map(lastTwice);
    const last = field.type === 'Node' ? children?.findLast((f) => f.type === 'Attribute') : undefined;
    return { ...field, children: last ? [...(children ?? []), last] : children };
  };
  const gemm = model('(x: float32[2,3]) -> (y)\n y = Gemm<transA=0, transB=1>(x, w: float32[4,3])');
  const anew = (bytes: Uint8Array): Uint8Array => concat(writeOnnx(readOnnx(bytes), { reencode: true }));
  const once = anew(printWire(parseWire(gemm).map(lastTwice)));
  expect(once.length).toBeGreaterThan(gemm.length);
  expect(anew(once)).toEqual(once);
});
