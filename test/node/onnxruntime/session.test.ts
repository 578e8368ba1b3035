import { onnx } from 'onnx-proto';
import { afterAll, describe, expect, test } from 'vitest';
import { concat } from '../../../src/base/bytes.js';
import { writeOnnx } from '../../../src/formats/onnx/index.js';
import { parseGraph } from '../../../src/text/parse.js';
import { ModelProcess } from '../../../src/node/machine/model-process.js';
import { createSession } from '../../../src/node/onnxruntime/session.js';
import { bytesOf, type DType, dtypeCode, elementCount } from '../../../src/tensor/dtype.js';
import {
  asFloat32,
  float32Tensor,
  int64Tensor,
  stringTensor,
  type Tensor,
  tensor,
} from '../../../src/tensor/tensor.js';
import { floats, port, tinyOnnx } from '../../support/tiny-onnx.js';
import { type Session, type SessionOptions } from '../../../src/running/session.js';

const child = new ModelProcess({ timeout: 60_000 });
afterAll(() => child.close());

const add = tinyOnnx({
  inputs: [port('x', ['n', 2])],
  outputs: [port('y', ['n', 2]), port('z', ['n', 2])],
  initializers: [floats('one', [1, 2], [1, 10])],
  nodes: [
    { op: 'Add', in: ['x', 'one'], out: ['y'] },
    { op: 'Neg', in: ['y'], out: ['z'] },
  ],
});

/** What never ends: the condition of the Loop stays true. */
const endless = tinyOnnx({
  outputs: [port('y', [])],
  initializers: [
    { name: 'trips', dims: [], dataType: 7, int64Data: [Number.MAX_SAFE_INTEGER] },
    { name: 'go', dims: [], dataType: 9, int32Data: [1] },
    floats('start', [], [0]),
  ],
  nodes: [
    {
      op: 'Loop',
      in: ['trips', 'go', 'start'],
      out: ['y'],
      attrs: [
        {
          name: 'body',
          type: onnx.AttributeProto.AttributeType.GRAPH,
          g: {
            name: 'body',
            node: [
              { opType: 'Identity', input: ['c'], output: ['c_out'] },
              { opType: 'Identity', input: ['v'], output: ['v_out'] },
            ],
            input: [port('i', [], 7), port('c', [], 9), port('v', [])],
            output: [port('c_out', [], 9), port('v_out', [])],
          },
        },
      ],
    },
  ],
});

/** Asks for 40 GB, more than the limit that the test sets. */
const greedy = tinyOnnx({
  outputs: [port('y', ['a', 'b'])],
  initializers: [{ name: 'shape', dims: [2], dataType: 7, int64Data: [100_000, 100_000] }],
  nodes: [
    { op: 'ConstantOfShape', in: ['shape'], out: ['big'] },
    { op: 'Cos', in: ['big'], out: ['y'] },
  ],
});

type Create = (model: string | Uint8Array, options?: SessionOptions) => Promise<Session>;

describe.each<[string, Create]>([
  ['in this process', createSession],
  ['in the model process', (model, options) => child.load(model, options)],
])('a session %s', (_where, create) => {
  test('computes, and gives the outputs asked for', async () => {
    const session = await create(add, { threads: 1, optimization: 'disabled' });
    expect(session.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['n', 2] }]);
    expect(session.outputs.map((o) => o.name)).toEqual(['y', 'z']);
    const x = float32Tensor([2, 2], [1, 2, 3, 4]);
    const all = await session.run(new Map([['x', x]]));
    expect([...all].map(([name, t]) => [name, t.shape, [...asFloat32(t)]])).toEqual([
      ['y', [2, 2], [2, 12, 4, 14]],
      ['z', [2, 2], [-2, -12, -4, -14]],
    ]);
    expect([...(await session.run(new Map([['x', x]]), ['z'])).keys()]).toEqual(['z']);
    await session.release();
  });

  test.each([
    ['bytes that are no model', new Uint8Array([1, 2, 3]), 'runtime/session'],
    ['a file that is not there', '/nowhere/m.onnx', 'runtime/session'],
    [
      'an unknown operator',
      tinyOnnx({ outputs: [port('y', [])], nodes: [{ op: 'Frobnicate', in: [], out: ['y'] }] }),
      'runtime/session',
    ],
  ])('refuses %s', async (_what, model, code) => {
    await expect(create(model)).rejects.toThrow(expect.objectContaining({ code }));
  });

  test.each<[string, ReadonlyMap<string, Tensor>, string]>([
    ['no tensor', new Map(), 'x'],
    ['another type', new Map([['x', int64Tensor([1, 2], [1, 2])]]), 'int64'],
    ['another shape', new Map([['x', float32Tensor([1, 3], [1, 2, 3])]]), 'float32[1,3]'],
  ])('says that %s is given for an input', async (_what, feeds, words) => {
    const session = await create(add);
    await expect(session.run(feeds)).rejects.toThrow(expect.objectContaining({ code: 'runtime/input' }));
    await expect(session.run(feeds)).rejects.toThrow(words);
    await session.release();
  });

  test('a provider that does not work here is an error, not the CPU', async () => {
    await expect(create(add, { provider: 'cuda' })).rejects.toThrow(
      expect.objectContaining({ code: 'runtime/provider' }),
    );
  });

  const CARRIED: readonly DType[] = [
    'float32',
    'float64',
    'float16',
    'bool',
    'uint8',
    'int8',
    'uint16',
    'int16',
    'uint32',
    'int32',
    'uint64',
    'int64',
  ];
  test.each(CARRIED)('%s goes through unchanged', async (dtype) => {
    const identity = tinyOnnx({
      inputs: [port('x', [2, 3], dtypeCode(dtype))],
      outputs: [port('y', [2, 3], dtypeCode(dtype))],
      nodes: [{ op: 'Identity', in: ['x'], out: ['y'] }],
    });
    // Not aligned on purpose: weights in files never are.
    const size = bytesOf(dtype, elementCount([2, 3]));
    const bytes = Uint8Array.from({ length: size + 1 }, (_, i) => (dtype === 'bool' ? i & 1 : (i * 37) & 255)).subarray(
      1,
    );
    const session = await create(identity);
    const y = (await session.run(new Map([['x', tensor(dtype, [2, 3], bytes)]]))).get('y');
    expect(y).toMatchObject({ dtype, shape: [2, 3] });
    expect(Buffer.from(y?.bytes() ?? [])).toEqual(Buffer.from(bytes));
    await session.release();
  });

  test('strings go through unchanged', async () => {
    const identity = tinyOnnx({
      inputs: [port('x', [2], 8)],
      outputs: [port('y', [2], 8)],
      nodes: [{ op: 'Identity', in: ['x'], out: ['y'] }],
    });
    const words = ['grün', ''].map((w) => new TextEncoder().encode(w));
    const session = await create(identity);
    const y = (await session.run(new Map([['x', stringTensor([2], words)]]))).get('y');
    expect(y?.strings?.().map((w) => new TextDecoder().decode(w))).toEqual(['grün', '']);
    await session.release();
  });

  test('a type that cannot be carried is named', async () => {
    const text = '<ir: 10, opset: ["": 21]>\n(x: int4[2]) -> (y)\n y = Cast<to=1>(x)';
    const session = await create(concat(writeOnnx(parseGraph(text))));
    const x = tensor('int4', [2], new Uint8Array(1));
    await expect(session.run(new Map([['x', x]]))).rejects.toThrow(/cannot carry int4/);
    await session.release();
  });
});

describe('the model process', () => {
  test('a model that never ends is stopped, and the next one runs', async () => {
    const impatient = new ModelProcess({ timeout: 2000 });
    const hang = impatient.load(endless).then((s) => s.run(new Map()));
    await expect(hang).rejects.toThrow(/did not finish within 2 s/);
    await expect(hang).rejects.toThrow(expect.objectContaining({ code: 'runtime/child' }));
    const session = await impatient.load(add);
    expect(session.outputs).toHaveLength(2);
    impatient.close();
  });

  test('a session ends with its process, and is never taken for one of the next', async () => {
    const impatient = new ModelProcess({ timeout: 2000 });
    const [lost, hang] = [await impatient.load(add), await impatient.load(endless)];
    await expect(hang.run(new Map())).rejects.toThrow(/did not finish within 2 s/);
    const next = await impatient.load(
      tinyOnnx({
        inputs: [port('x', ['n', 2])],
        outputs: [port('y', ['n', 2])],
        nodes: [{ op: 'Neg', in: ['x'], out: ['y'] }],
      }),
    );
    const feeds = new Map([['x', float32Tensor([1, 2], [1, 2])]]);
    await expect(lost.run(feeds)).rejects.toThrow(expect.objectContaining({ code: 'runtime/child' }));
    expect(await lost.release()).toEqual([]);
    const [y] = (await next.run(feeds)).values();
    expect(y && [...asFloat32(y)]).toEqual([-1, -2]);
    impatient.close();
  });

  test('a model that takes too much memory is stopped', async () => {
    const frugal = new ModelProcess({ memory: 1e9 });
    const bomb = frugal.load(greedy, { optimization: 'disabled' }).then((s) => s.run(new Map()));
    await expect(bomb).rejects.toThrow(expect.objectContaining({ code: expect.stringMatching(/^runtime/) as string }));
    frugal.close();
  });
});
