import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CnnxError } from '../../src/base/errors.js';
import { LIMITS } from '../../src/base/limits.js';
import { readOnnx } from '../../src/formats/onnx/index.js';
import { checkModel, ensureValid } from '../../src/graph/check.js';
import type { Model } from '../../src/graph/ir.js';
import { setInputs } from '../../src/graph/mutate.js';
import { parseGraph } from '../../src/text/parse.js';
import { printGraph } from '../../src/text/print.js';
import { PROBLEMS, type Problem } from '../../src/graph/problems.js';
import { registry } from '../../src/ops/index.js';
import { groundTruthBytes, groundTruthJson } from '../support/ground-truth.js';
import { corpus, describeShared, isFull, sharedBytes } from '../support/shared.js';

const check = (text: string): readonly Problem[] => checkModel(parseGraph(text), registry);
const invalid = (model: Model): CnnxError | undefined => {
  try {
    ensureValid(model, registry);
    return undefined;
  } catch (error) {
    if (error instanceof CnnxError) return error;
    throw error;
  }
};
const IO = '(x: float32[2,3]) -> (y)';

test('a sound model has no problems', () => {
  expect(
    check(
      `${IO} t = Relu(x) y = If<then_branch={ a () -> (p) p = Relu(t) }, else_branch={ b () -> (q) q = Neg(t) }>(c: bool[] = [1])`,
    ),
  ).toEqual([]);
});

const CASES: readonly (readonly [Problem['code'], string, string, Partial<Problem>])[] = [
  [
    'undefined-input',
    `${IO} y = Add@n(x, ghost)`,
    'n reads ghost, which nothing defines',
    { node: 'n', value: 'ghost' },
  ],
  ['undefined-output', `${IO} z = Relu(x)`, 'nothing defines y, an output of a graph', { value: 'y' }],
  [
    'duplicate-definition',
    `${IO} y = Relu@a(x) y = Neg@b(x)`,
    'y is defined twice: as an output of a and as an output of b',
    { node: 'b' },
  ],
  [
    'duplicate-definition',
    `${IO} x = Relu@a(x) y = Neg(x)`,
    'x is defined twice: as an input and as an output of a',
    {},
  ],
  [
    'duplicate-initializer',
    `${IO} w: float32[1] w: float32[1] y = Add(x, w)`,
    'w is defined twice: as an initializer and as an initializer',
    {},
  ],
  ['arity', `${IO} y = Concat@c<axis=0>(x, _, x)`, 'c: input 1 is left out of the list that Concat takes', {}],
  [
    'cycle',
    `${IO} a = Add@p(x, b) b = Relu@q(a) y = Relu(b)`,
    '2 nodes depend on each other in a circle: q -> p -> q',
    {},
  ],
  [
    'cycle',
    `${IO} y = If@i<then_branch={ t () -> (p) p = Relu(y) }>(c: bool[])`,
    '1 nodes depend on each other in a circle: i -> i',
    {},
  ],
  [
    'order',
    `${IO} y = Relu@late(t) t = Neg@early(x)`,
    'late reads t and stands before early, which makes it',
    { severity: 'warning' },
  ],
  [
    'order',
    `${IO} y = If@i<then_branch={ t () -> (p) p = Relu(t) }, else_branch={ e () -> (x) }>(c: bool[]) t = Neg@n(x)`,
    'i reads t and stands before n',
    {},
  ],
  [
    'domain',
    `${IO} t = my.ops::Foo(x) y = my.ops::Foo@second(t)`,
    'the model does not import my.ops, which Foo that makes t and 1 more need',
    {},
  ],
  [
    'import',
    `<opset: ["": 17, "ai.onnx": 13, "": 17, "ai.onnx": 13]> ${IO} y = Relu(x)`,
    'the model imports ai.onnx as versions 17 and 13; the last import counts',
    {},
  ],
  [
    'import',
    `${IO} t = com.microsoft::Gelu(x) y = ai.onnx.ml::Binarizer(t)`,
    'the model does not import com.microsoft, which Gelu that makes t needs',
    {},
  ],
  [
    'shadowing',
    `${IO} w: float32[1] t = Add(x, w)
     y = If@branch<then_branch={ a () -> (p) w: float32[1] p = Mul(t, w) }, else_branch={ b () -> (q) q = Mul(t, w) }>(c: bool[])`,
    'w is defined twice: in a graph as an initializer, and in one inside it as an initializer',
    { value: 'w' },
  ],
  [
    'shadowing',
    `${IO} y = If@branch<then_branch={ a () -> (p) y = Abs(x) p = Neg(y) }, else_branch={ b () -> (q) q = Abs(x) }>(c: bool[])`,
    'y is defined twice: in a graph as an output of branch, and in one inside it as an output of Abs that makes y',
    { value: 'y' },
  ],
  [
    'duplicate-definition',
    `${IO} t = Neg@n(x)
     y = If<then_branch={ a () -> (p) p = If<then_branch={ a () -> (q) t = Abs@m(x) q = Neg(t) }, else_branch={ b () -> (r) r = Abs(x) }>(c) }, else_branch={ b () -> (s) s = Abs(t) }>(c: bool[])`,
    't is defined twice: in a graph as an output of n, and in one inside it as an output of m',
    { node: 'm', value: 't' },
  ],
  ['domain', `<opset: []> ${IO} y = Relu(x)`, 'the model imports no operator set', {}],
  ['arity', `${IO} y = Add@n(x)`, 'n has 1 inputs; Add takes 2', {}],
  ['arity', `${IO} y = Relu@n(x, x)`, 'n has 2 inputs; Relu takes 1', {}],
  ['arity', `${IO} y = Add@n(_, x)`, 'n: Add needs its input a, which is left out', {}],
  [
    'arity',
    `function f.d::F opset: ["": 17] { (a) -> (b) b = Relu(a) } ${IO} y = f.d::F@n(x, x)`,
    'n has 2 inputs; function F takes 0 to 1',
    {},
  ],
  [
    'attribute',
    `${IO} y = Gemm@n<transb=1>(x, w: float32[3,4])`,
    'n: Gemm of opset 17 has no attribute transb; transB is near',
    {},
  ],
  ['attribute', `${IO} y = Gemm@n<transB=1.0>(x, w: float32[3,4])`, 'n: transB of Gemm is float; int was expected', {}],
  ['attribute', `${IO} y = Cast@n(x)`, 'n: Cast needs an attribute to (int)', {}],
  [
    'attribute',
    `(x: float32[1,1,4,4]) -> (y) y = Conv@n<auto_pad="SAME">(x, w: float32[1,1,3,3])`,
    'n: auto_pad of Conv is SAME; one of NOTSET, SAME_UPPER',
    {},
  ],
  [
    'attribute',
    `${IO} y = Relu@n<alpha=@beta>(x)`,
    'n: alpha refers to beta, an attribute that no function around it has',
    {},
  ],
  [
    'type',
    `(x: float32[2,3], w: float32[2] = float32[3] = [1,2,3]) -> (y) y = Relu(x)`,
    'w is declared as float32[2], and its data is float32[3]',
    { value: 'w' },
  ],
  [
    'type',
    `(x: float32[2,3], w: float32[2] = int64[2] = [1,2]) -> (y) y = Relu(x)`,
    'w is declared as float32[2], and its data is int64[2]',
    {},
  ],
  ['type', `${IO} y = Add@n(x, w: float32[4])`, 'n: [2,3] and [4] do not broadcast', {}],
  [
    'type',
    `(x: float32[2,3]) -> (y: int64[2,3]) y = Relu@n(x)`,
    'n: y is declared as int64[2,3], and inferred as float32[2,3]',
    { value: 'y' },
  ],
  [
    'declared-shape',
    `(x: float32[2,3]) -> (y: float32[3,2]) y = Relu@n(x)`,
    'y is declared as float32[3,2], and inferred as float32[2,3]',
    { severity: 'warning' },
  ],
  ...[
    ['Conv', 'b: float32[1]', 'the bias: 8 and 1 differ'],
    ['Conv', 'b: float32[1,8]', 'the bias has rank 2 ([1,8]); 1 is needed'],
    ['Conv<group=2>', 'b: float32[4]', 'the bias: 8 and 4 differ'],
    ['ConvTranspose<group=2>', 'b: float32[2]', 'the bias: 4 and 2 differ'],
  ].map(([op, b, message]): readonly [Problem['code'], string, string, Partial<Problem>] => [
    'type',
    `(x: float32[1,8,5,5]) -> (y) y = ${op}(x, w: float32[8,${op === 'Conv' ? 8 : op?.startsWith('ConvT') ? 2 : 4},1,1], ${b})`,
    message ?? '',
    {},
  ]),
  ['empty-name', `("": float32[1]) -> (y) y = Relu("")`, 'an input has no name', {}],
  ['empty-name', `${IO} y = ""(x)`, 'a node has no operator type', {}],
  ['ir-version', `<ir: 99> ${IO} y = Relu(x)`, 'IR version 99 is unknown; known are 3 to 14', {}],
  ['ir-version', `<ir: _> ${IO} y = Relu(x)`, 'the model does not say its IR version', {}],
  [
    'ir-version',
    `<ir: 7> function f.d::F opset: ["": 17] { (a) -> (b) b = Relu(a) } ${IO} y = Relu(x)`,
    'functions need IR version 8; the model has 7',
    {},
  ],
  [
    'recursion',
    `function f.d::F opset: ["": 17, "f.d": 1] { (a) -> (b) b = f.d::G(a) } function f.d::G opset: ["": 17, "f.d": 1] { (a) -> (b) b = f.d::F(a) } ${IO} y = Relu(x)`,
    'function F calls itself, directly or through others',
    {},
  ],
  [
    'duplicate-function',
    `function f.d::F opset: ["": 17] { (a) -> (b) b = Relu(a) } function f.d::F opset: ["": 17] { (a) -> (b) b = Relu(a) } ${IO} y = Relu(x)`,
    'function F is defined twice',
    {},
  ],
];

test.each(CASES)('%s: %s', (code, text, message, at) => {
  const found = check(text).find((p) => p.code === code);
  expect(found?.message).toContain(message);
  expect(found).toMatchObject({ severity: PROBLEMS[code].severity, ...at });
});

test('every kind of problem has a case', () => {
  const elsewhere = ['more', 'scope'];
  const covered = new Set<string>([...CASES.map(([code]) => code), ...elsewhere]);
  expect(Object.keys(PROBLEMS).filter((code) => !covered.has(code))).toEqual([]);
});

test('only the functions of a circle are called recursive', () => {
  const f = (name: string, callee: string): string =>
    `function d::${name} opset: ["": 17, d: 1] { (a) -> (b) b = ${callee}(a) } `;
  const text = `${f('Above', 'd::Own')}${f('Own', 'd::Own')}${f('Fine', 'Relu')}${IO} y = Relu(x)`;
  expect(
    check(text)
      .filter((p) => p.code === 'recursion')
      .map((p) => p.message),
  ).toEqual(['function Own calls itself, directly or through others']);
});

test('a value of another graph is out of scope', () => {
  const model = parseGraph(
    `${IO} y = If<then_branch={ t () -> (p) p = Relu(x) }, else_branch={ e () -> (x) }>(c: bool[])`,
  );
  const other = parseGraph(`${IO} y = Relu(x)`);
  const [node] = [...model.graph.nodes()];
  const inner = node?.subgraphs[0]?.values.get('p');
  const foreign = other.graph.values.get('x');
  if (!node || !inner || !foreign) throw new Error('not found');
  setInputs(node, [inner, foreign]);
  expect(checkModel(model).map((p) => [p.code, p.value])).toEqual([
    ['scope', 'p'],
    ['scope', 'x'],
  ]);
});

test('all violations at once, and names that are safe to print', () => {
  const problems = check(`(x: float32[1]) -> (y, "z\\u{1b}[31m") y = Add(x, "bad\\nname") y = Foo::Bar(x)`);
  expect(problems.map((p) => p.code).sort()).toEqual([
    'domain',
    'duplicate-definition',
    'undefined-input',
    'undefined-output',
  ]);
  const all = problems.map((p) => p.message).join();
  expect(all).toContain('bad\\nname');
  expect(all).toContain('z\\x1b[31m');
});

test('ensureValid lists errors, lets warnings pass, and cuts a long list', () => {
  expect(invalid(parseGraph(`${IO} y = Relu(t) t = Neg(x)`))).toBeUndefined();
  const one = invalid(parseGraph(`${IO} y = Add@n(x, ghost)`));
  expect(one?.code).toBe('graph/invalid');
  expect(one?.message).toBe('undefined-input: n reads ghost, which nothing defines');
  expect(one?.at).toMatchObject({ node: 'n', value: 'ghost' });
  const many = Array.from({ length: LIMITS.problems + 7 }, (_, i) => `a${i} = Relu(ghost${i})`).join('\n');
  const error = invalid(parseGraph(`(x) -> (x) ${many}`));
  expect(error?.message.split('\n')).toHaveLength(LIMITS.problems + 2);
  expect(error?.message).toContain('and 7 more');
});

test('checking changes nothing', () => {
  const model = parseGraph(`${IO} t = Relu(x) y = Neg(t)`);
  const before = printGraph(model, { types: 'known' });
  checkModel(model, registry);
  expect(printGraph(model, { types: 'known' })).toBe(before);
});

describe('linear time', () => {
  const seconds = (model: Model): number => {
    const start = process.cpuUsage();
    expect(checkModel(model, registry).map((p) => p.message)).toEqual([]);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
  const chain = (n: number): Model =>
    parseGraph(
      `(x0: float32[4]) -> (x${n}) ${Array.from({ length: n }, (_, i) => `x${i + 1} = Relu(x${i})`).join('\n')}`,
    );

  // Reason: 7 s of the five minutes; the full run has it, and test/linear.test.ts looks at growth in the quick one.
  test.skipIf(!isFull)('200,000 nodes in a chain take at most 20 times as long as 20,000', () => {
    seconds(chain(2000));
    const small = seconds(chain(20_000));
    expect(seconds(chain(200_000))).toBeLessThan(Math.max(20 * small, 2));
  });

  test('a chain against the order of the file', () => {
    const n = 20_000;
    const text = Array.from({ length: n }, (_, i) => `x${n - i} = Relu(x${n - i - 1})`).join('\n');
    const problems = checkModel(parseGraph(`(x0: float32[4]) -> (x${n}) ${text}`), registry);
    expect(problems).toHaveLength(LIMITS.problems + 1);
    expect(problems.at(-1)?.message).toBe(`and ${n - 1 - LIMITS.problems} more`);
  });

  test('a circle of 20,000 nodes is shown in short', () => {
    const n = 20_000;
    const text = Array.from({ length: n }, (_, i) => `x${(i + 1) % n} = Relu(x${i})`).join('\n');
    const [cycle] = checkModel(parseGraph(`() -> (x0) ${text}`), registry);
    expect(cycle?.code).toBe('cycle');
    expect(cycle?.message).toMatch(/^20000 nodes .* 19992 more -> /);
  });

  test('one value with 50,000 uses, and a Concat of 20,000 inputs', () => {
    const uses = Array.from({ length: 50_000 }, (_, i) => `y${i} = Relu(x)`).join('\n');
    const inputs = Array.from({ length: 20_000 }, (_, i) => `y${i}`).join(', ');
    expect(seconds(parseGraph(`(x: float32[4]) -> (z) ${uses} z = Concat<axis=0>(${inputs})`))).toBeLessThan(5);
  });

  test('functions that double', () => {
    const f = (i: number): string =>
      `function d::F${i} opset: ["": 17, d: 1] { (a) -> (c) b = ${i === 0 ? 'Relu' : `d::F${i - 1}`}(a) c = ${i === 0 ? 'Relu' : `d::F${i - 1}`}(b) }`;
    const functions = Array.from({ length: 40 }, (_, i) => f(i)).join('\n');
    const model = parseGraph(`<opset: ["": 17, d: 1]> ${functions} (x: float32[4]) -> (y) y = d::F39(x)`);
    expect(seconds(model)).toBeLessThan(20);
  });
});

interface Manifest {
  readonly files: readonly { readonly file: string; readonly verdict: string }[];
}

describe('hostile files', () => {
  const { files } = groundTruthJson('hostile/manifest.json') as Manifest;
  const verdicts = (verdict: string): string[] => files.filter((f) => f.verdict === verdict).map((f) => f.file);
  const read = (file: string): Model => readOnnx(groundTruthBytes(`hostile/${file}`));

  test.each(verdicts('checker'))('%s is refused', (file) => {
    expect(invalid(read(file))?.code).toBe('graph/invalid');
  });

  test.each(verdicts('accept'))('%s is sound', (file) => {
    expect(checkModel(read(file), registry).filter((p) => p.code !== 'shadowing')).toEqual([]);
  });
});

describeShared('after public reports', () => {
  test.each([
    ['F_output-twice', []],
    ['F_no-import-of-com.microsoft', ['import']],
    ['F_reshape-free-batch', []],
    ['M1_initializers_as_inputs', []],
    ['M5_conv_bias_length', ['type']],
    ['R01_if_branch_shares_weight', []],
  ])('%s: %j', (file, codes) => {
    const model = readOnnx(sharedBytes(`reference/public/${file}.onnx`));
    expect(checkModel(model, registry).map((p) => p.code)).toEqual(codes);
    expect(invalid(model)?.code).toBe(codes.includes('type') ? 'graph/invalid' : undefined);
  });
});

describeShared('the corpus', () => {
  /** The models of the corpus that onnxruntime 1.30 refuses too, for the same reasons (but `capability`, where an unknown operator stops it
   * before the mixed element types); it loads all others that the checker has to say anything about. */
  const REFUSED = [
    'burn/onnx-tests__size__size',
    'tensorrt/Polygraphy__tests__models__bad_graph_with_no_import_domains',
    'tensorrt/Polygraphy__tests__models__bad_graph_with_parallel_invalid_nodes',
    'tensorrt/Polygraphy__tests__models__capability',
    'tensorrt/Polygraphy__tests__models__custom_op_node',
  ];

  test('what onnxruntime loads has no errors', () => {
    const refused = corpus().filter(({ path }) => invalid(readOnnx(readFileSync(path))) !== undefined);
    expect(refused.map((m) => m.name)).toEqual(REFUSED);
  });
});
