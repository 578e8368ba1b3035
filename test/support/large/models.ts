import { call, field, floats, int, int64s, node, port, varint } from './messages.js';

/* Models as large as one likes, each of a kind that some pass, reader or writer could take too long for. */

const range = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

const SHAPE = [1, 1, 2, 2];

interface Graph {
  readonly nodes: readonly Uint8Array[];
  readonly inputs?: readonly Uint8Array[];
  readonly outputs?: readonly Uint8Array[];
  readonly rest?: readonly Uint8Array[];
  readonly functions?: readonly Uint8Array[];
  readonly ir?: number;
}

const model = ({ nodes, inputs, outputs, rest = [], functions = [], ir = 8 }: Graph): Uint8Array =>
  Buffer.concat([
    int(1, ir),
    field(7, [
      ...nodes,
      field(2, 'large'),
      ...rest,
      ...(inputs ?? [port(11, 'x', SHAPE)]),
      ...(outputs ?? [port(12, 'y', SHAPE)]),
    ]),
    field(8, [field(1, ''), int(2, 17)]),
    field(8, [field(1, 'own'), int(2, 1)]),
    ...functions.map((f) => field(25, f)),
  ]);

const from = (i: number): string => (i === 0 ? 'x' : `v${i}`);
const to = (i: number, n: number): string => (i === n - 1 ? 'y' : `v${i + 1}`);

/** A chain of `n` pieces, each reading what the one before it makes. */
const chain = (n: number, link: (i: number, x: string, y: string) => Uint8Array, rest: readonly Uint8Array[] = []) =>
  model({ nodes: range(n, (i) => link(i, from(i), to(i, n))), rest });

/** Initializers `c0`, `c1` ... of one element. */
const constants = (n: number): Uint8Array[] => range(n, (i) => floats(`c${i}`, [1], [1 + (i % 7) / 8]));

/** A graph in a graph in a graph. Built from the inside, in linear time. */
function nested(levels: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  const head = field(1, 'b');
  const name = field(1, 'then_branch');
  for (let i = 0; i < levels; i++) {
    // Graph, attribute and node, each with what stands in it behind its tag and size.
    for (const [number, before] of [
      [6, name],
      [5, head],
      [1, new Uint8Array(0)],
    ] as const) {
      const front = Uint8Array.from([...varint(number * 8 + 2), ...varint(size)]);
      parts.push(front, before);
      size += front.length + before.length;
    }
  }
  parts.reverse();
  return Buffer.concat([int(1, 8), Uint8Array.from([...varint(7 * 8 + 2), ...varint(size)]), ...parts]);
}

/** f_i calls f_(i-1) twice; the graph calls the last. */
const doubling = (n: number): Uint8Array =>
  model({
    nodes: [call(`f${n - 1}`, ['x'], 'y')],
    functions: range(n, (i) => {
      const body =
        i === 0 ? [node('Relu', ['a'], ['c'])] : [call(`f${i - 1}`, ['a'], 'b'), call(`f${i - 1}`, ['b'], 'c')];
      const nodes = body.map((bytes) => field(7, bytes.subarray(bytes.length - inner(bytes))));
      return [
        field(1, `f${i}`),
        field(4, 'a'),
        field(5, 'c'),
        ...nodes,
        field(9, [field(1, ''), int(2, 17)]),
        field(9, [field(1, 'own'), int(2, 1)]),
        field(10, 'own'),
      ];
    }).map((parts) => Buffer.concat(parts)),
  });

/** How many of a field's bytes are its payload. */
function inner(bytes: Uint8Array): number {
  let at = 1;
  while ((bytes[at] ?? 0) >= 128) at += 1;
  return bytes.length - at - 1;
}

const graphOf = (nodes: readonly Uint8Array[], output: string): Uint8Array =>
  Buffer.concat([...nodes, field(2, 'branch'), port(12, output, SHAPE)]);

const convBns = (n: number): Uint8Array[] =>
  range(n, (i) =>
    i % 2 === 0
      ? node('Conv', [from(i), `w${i}`], [to(i, n)])
      : node('BatchNormalization', [from(i), `s${i}`, `s${i}`, `s${i}`, `s${i}`], [to(i, n)]),
  );

const convBnWeights = (n: number): Uint8Array[] =>
  range(n, (i) => (i % 2 === 0 ? floats(`w${i}`, [1, 1, 1, 1], [1 + (i % 5)]) : floats(`s${i}`, [1], [1 + i / n])));

/** The types of all values, weights included. */
const declared = (n: number): Uint8Array[] =>
  range(n, (i) => [
    port(13, from(i + 1), SHAPE),
    i % 2 === 0 ? port(13, `w${i}`, [1, 1, 1, 1]) : port(13, `s${i}`, [1]),
  ]).flat();

/** Kinds by name: a model of about `n` nodes, or of `n` of what the name says. */
export const LARGE: Readonly<Record<string, (n: number) => Uint8Array>> = {
  relus: (n) => chain(n, (_, x, y) => node(_ % 2 === 0 ? 'Relu' : 'Sigmoid', [x], [y])),
  'conv, batch-norm, relu': (n) =>
    chain(
      n,
      (i, x, y) => {
        if (i % 3 === 0) return node('Conv', [x, `w${i}`], [y]);
        return i % 3 === 1
          ? node('BatchNormalization', [x, `s${i}`, `s${i}`, `s${i}`, `s${i}`], [y])
          : node('Relu', [x], [y]);
      },
      range(n, (i) => (i % 3 === 0 ? floats(`w${i}`, [1, 1, 1, 1], [i % 5]) : floats(`s${i}`, [1], [1]))),
    ),
  convs: (n) =>
    chain(
      n,
      (i, x, y) => node('Conv', [x, `w${i}`], [y]),
      range(n, (i) => floats(`w${i}`, [1, 1, 1, 1], [1 - (i % 2) / 4])),
    ),
  '3x3 convs': (n) =>
    chain(
      n,
      (i, x, y) => node('Conv', [x, `w${i}`], [y], [['pads', [1, 1, 1, 1]]]),
      range(n, (i) =>
        floats(
          `w${i}`,
          [1, 1, 3, 3],
          range(9, (k) => ((i + k) % 5) / 8),
        ),
      ),
    ),
  'adds of constants': (n) => chain(n, (i, x, y) => node('Add', [x, `c${i}`], [y]), constants(n)),
  'muls by constants': (n) => chain(n, (i, x, y) => node('Mul', [x, `c${i}`], [y]), constants(n)),
  'adds of a hub': (n) => chain(n, (_, x, y) => node('Add', [x, 'x'], [y])),
  'adds of a hub and its relu': (n) =>
    model({
      nodes: [node('Relu', ['x'], ['r']), ...range(n, (i) => node('Add', [i === 0 ? 'r' : `v${i}`, 'x'], [to(i, n)]))],
    }),
  'residual blocks': (n) =>
    chain(n, (i, x, y) => (i % 2 === 0 ? node('Relu', [x], [y]) : node('Add', [x, from(i - 1)], [y]))),
  'residual convs': (n) =>
    chain(
      n,
      (i, x, y) => (i % 2 === 0 ? node('Conv', [x, `w${i}`], [y]) : node('Add', [x, from(i - 1)], [y])),
      range(n, (i) => floats(`w${i}`, [1, 1, 1, 1], [1 / 8])),
    ),
  'a tree of sums of one source': (n) =>
    model({
      nodes: range(n, (i) => {
        const k = n - 1 - i;
        const name = (j: number): string => (j === 0 ? 'y' : j < n ? `t${j}` : 'x');
        return node('Add', [name(2 * k + 1), name(2 * k + 2)], [name(k)]);
      }),
    }),
  'conv branches of one sum': (n) =>
    model({
      nodes: [
        ...range(n, (i) => node('Conv', ['x', `w${i}`], [`b${i}`])),
        node(
          'Sum',
          range(n, (i) => `b${i}`),
          ['y'],
        ),
      ],
      rest: range(n, (i) => floats(`w${i}`, [1, 1, 1, 1], [i % 5])),
    }),
  'uses of one value': (n) =>
    model({
      nodes: [
        node('Relu', ['x'], ['h']),
        ...range(n, (i) => node('LeakyRelu', ['h'], [`u${i}`], [['alpha', Float32Array.of(i)]])),
        node(
          'Sum',
          range(n, (i) => `u${i}`),
          ['y'],
        ),
      ],
    }),
  'equal nodes': (n) =>
    model({
      nodes: [
        ...range(n, (i) => node('Relu', ['x'], [`u${i}`])),
        node(
          'Sum',
          range(n, (i) => `u${i}`),
          ['y'],
        ),
      ],
    }),
  'inputs of a concat': (n) =>
    model({
      nodes: [
        ...range(n, (i) => node('Mul', ['x', `c${i}`], [`u${i}`])),
        node(
          'Concat',
          range(n, (i) => `u${i}`),
          ['y'],
          [['axis', 1]],
        ),
      ],
      rest: constants(n),
      outputs: [port(12, 'y', [1, n, 2, 2])],
    }),
  'convs of a concat': (n) =>
    model({
      nodes: [
        ...range(n, (i) => node('Conv', ['x', `w${i}`], [`u${i}`])),
        node(
          'Concat',
          range(n, (i) => `u${i}`),
          ['y'],
          [['axis', 1]],
        ),
      ],
      rest: range(n, (i) => floats(`w${i}`, [1, 1, 1, 1], [i % 5])),
      outputs: [port(12, 'y', [1, n, 2, 2])],
    }),
  'constants of a concat': (n) =>
    model({
      nodes: [
        node(
          'Concat',
          range(n, (i) => `c${i}`),
          ['c'],
          [['axis', 0]],
        ),
        node('Add', ['x', 'c'], ['y']),
      ],
      rest: constants(n),
      inputs: [port(11, 'x', [n])],
      outputs: [port(12, 'y', [n])],
    }),
  'outputs of a split': (n) =>
    model({
      nodes: [
        node(
          'Split',
          ['x', 'sizes'],
          range(n, (i) => `u${i}`),
          [['axis', 0]],
        ),
        node(
          'Sum',
          range(n, (i) => `u${i}`),
          ['y'],
        ),
      ],
      rest: [
        int64s(
          'sizes',
          range(n, () => 1),
        ),
      ],
      inputs: [port(11, 'x', [n])],
      outputs: [port(12, 'y', [1])],
    }),
  'dead nodes': (n) =>
    model({ nodes: [node('Relu', ['x'], ['y']), ...range(n, (i) => node('Sigmoid', [from(i)], [`v${i + 1}`]))] }),
  'doubling functions': doubling,
  'unused initializers': (n) => model({ nodes: [node('Relu', ['x'], ['y'])], rest: constants(n) }),
  'initializers that are inputs': (n) => {
    const nodes = range(n, (i) => node('Add', [from(i), `c${i}`], [to(i, n)]));
    return model({
      nodes,
      rest: constants(n),
      inputs: [port(11, 'x', SHAPE), ...range(n, (i) => port(11, `c${i}`, [1]))],
      ir: 3,
    });
  },
  inputs: (n) =>
    model({
      nodes: [
        node(
          'Sum',
          range(n, (i) => `x${i}`),
          ['y'],
        ),
      ],
      inputs: range(n, (i) => port(11, `x${i}`, SHAPE)),
    }),
  outputs: (n) =>
    model({
      nodes: range(n, (i) => node('LeakyRelu', ['x'], [`y${i}`], [['alpha', Float32Array.of(i)]])),
      outputs: range(n, (i) => port(12, `y${i}`, SHAPE)),
    }),
  identities: (n) => chain(n, (_, x, y) => node('Identity', [x], [y])),
  transposes: (n) => chain(n, (_, x, y) => node('Transpose', [x], [y], [['perm', [0, 1, 3, 2]]])),
  reshapes: (n) => chain(n, (_, x, y) => node('Reshape', [x, 's'], [y]), [int64s('s', [1, 1, 2, 2])]),
  pads: (n) => chain(n, (_, x, y) => node('Pad', [x, 'p'], [y]), [int64s('p', [0, 0, 0, 0, 0, 0, 1, 1])]),
  'average pools': (n) => chain(n, (_, x, y) => node('AveragePool', [x], [y], [['kernel_shape', [1, 1]]])),
  clips: (n) =>
    chain(
      n,
      (i, x, y) => node('Clip', [x, `c${i}`], [y]),
      range(n, (i) => floats(`c${i}`, [], [i % 7])),
    ),
  shapes: (n) =>
    chain(n, (i, x, y) => {
      const k = i % 4;
      if (k === 0) return node('Relu', [x], [y]);
      if (k === 1) return node('Shape', [x], [y]);
      return k === 2 ? node('Identity', [x], [y]) : node('Reshape', [from(i - 2), x], [y]);
    }),
  'constant nodes': (n) =>
    chain(n, (i, x, y) =>
      i % 2 === 0
        ? node('Constant', [], [y], [['value_float', Float32Array.of(i)]])
        : node('Add', [from(i - 1), x], [y]),
    ),
  'nodes of a branch': (n) =>
    model({
      nodes: [
        node(
          'If',
          ['flag'],
          ['y'],
          [
            [
              'then_branch',
              graphOf(
                range(n, (i) => node('Relu', [from(i)], [`v${i + 1}`])),
                `v${n}`,
              ),
            ],
            ['else_branch', graphOf([node('Relu', ['x'], ['z'])], 'z')],
          ],
        ),
      ],
      inputs: [port(11, 'x', SHAPE), port(11, 'flag', [], 9)],
    }),
  branches: (n) =>
    model({
      nodes: range(n, (i) =>
        node(
          'If',
          ['flag'],
          [to(i, n)],
          [
            ['then_branch', graphOf([node('Relu', [from(i)], [`a${i}`])], `a${i}`)],
            ['else_branch', graphOf([node('Sigmoid', [from(i)], [`b${i}`])], `b${i}`)],
          ],
        ),
      ),
      inputs: [port(11, 'x', SHAPE), port(11, 'flag', [], 9)],
    }),
  'outputs of identities': (n) =>
    model({
      nodes: range(n, (i) =>
        i % 2 === 0
          ? node('LeakyRelu', ['x'], [`u${i}`], [['alpha', Float32Array.of(i)]])
          : node('Identity', [`u${i - 1}`], [`y${i}`]),
      ),
      outputs: range(Math.floor(n / 2), (i) => port(12, `y${2 * i + 1}`, SHAPE)),
    }),
  'declared convs and batch-norms': (n) => model({ nodes: convBns(n), rest: [...convBnWeights(n), ...declared(n)] }),
  'convs and batch-norms of IR 3': (n) =>
    model({
      nodes: convBns(n),
      rest: convBnWeights(n),
      inputs: [
        port(11, 'x', SHAPE),
        ...range(n, (i) => (i % 2 === 0 ? port(11, `w${i}`, [1, 1, 1, 1]) : port(11, `s${i}`, [1]))),
      ],
      ir: 3,
    }),
  'initializers that may be overridden': (n) =>
    model({
      nodes: range(n, (i) => node('Add', [from(i), `c${i}`], [to(i, n)])),
      rest: constants(n),
      inputs: [port(11, 'x', SHAPE), ...range(n, (i) => port(11, `c${i}`, [1]))],
    }),
  attributes: (n) =>
    model({
      nodes: [
        node(
          'Relu',
          ['x'],
          ['y'],
          range(n, (i) => [`a${i}`, i] as const),
        ),
      ],
    }),
  'declared values': (n) =>
    model({ nodes: [node('Relu', ['x'], ['y'])], rest: range(n, (i) => port(13, `v${i}`, SHAPE)) }),
  'wrong declarations': (n) =>
    chain(
      n,
      (_, x, y) => node('Relu', [x], [y]),
      range(n - 1, (i) => port(13, `v${i + 1}`, [1, 1, 2, 3 + (i % 2)])),
    ),
  'long names': (n) => {
    const name = (i: number): string => (i === 0 ? 'x' : i === 100 ? 'y' : String(i).padEnd(n, 'n'));
    return model({ nodes: range(100, (i) => node('Relu', [name(i)], [name(i + 1)])) });
  },
  'levels of graphs': nested,
};
