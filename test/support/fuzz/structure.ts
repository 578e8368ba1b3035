import * as fc from 'fast-check';
import { channelsOf, Draw, list, type Val } from './draft.js';

/*
 * Random graphs of what stands around the algebra: views, Transposes, no-ops, shape arithmetic, branches, loops, functions. What they compute is compared in
 * onnxruntime, which knows all of it.
 */

class Sketch {
  readonly lines: string[] = [];
  readonly values: Val[] = [];
  readonly outputs = new Set<string>();
  readonly functions = new Set<string>();
  readonly inputs = ['c: bool[]', 'k: int64[]'];
  #count = 0;

  constructor(
    readonly opset: number,
    /** Whether the batch has a name in place of a size. */
    readonly isOpen: boolean,
  ) {}

  fresh(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }

  node(call: string, shape: readonly number[]): Val {
    const name = this.fresh('t');
    this.lines.push(`${name} = ${call}`);
    return { name, shape };
  }

  ints(values: readonly number[]): string {
    return `${this.fresh('i')}: int64[${values.length}] = ${list(values)}`;
  }

  scalar(value: number, type = 'float32'): string {
    return `${this.fresh('s')}: ${type}[] = [${value}]`;
  }

  weight(shape: readonly number[]): string {
    return `${this.fresh('w')}: float32${list(shape)}`;
  }

  filled(shape: readonly number[], value: number): string {
    const count = shape.reduce((a, b) => a * b, 1);
    return `${this.weight(shape)} = ${list(Array.from({ length: count }, () => value))}`;
  }

  transpose(x: Val, perm: readonly number[]): Val {
    const shape = perm.map((axis) => x.shape[axis] ?? 1);
    return this.node(`Transpose<perm=${list(perm)}>(${x.name})`, shape);
  }

  reshape(x: Val, shape: readonly number[]): Val {
    // The batch is 2 where it has a name; written out it would be no open size any more.
    const asked =
      this.isOpen && shape.length > 0 && shape[0] === 2 && x.shape[0] === 2 ? [0, ...shape.slice(1)] : shape;
    return this.node(`Reshape(${x.name}, ${this.ints(asked)})`, shape);
  }

  batchNorm(x: Val): Val {
    const params = [1, 2, 3].map(() => this.weight([channelsOf(x)])).join(', ');
    return this.node(`BatchNormalization(${x.name}, ${params}, ${this.filled([channelsOf(x)], 2)})`, x.shape);
  }

  conv(x: Val, outputs: number): Val {
    const [n = 1, c = 1, ...rest] = x.shape;
    return this.node(`Conv(${x.name}, ${this.weight([outputs, c, 1, 1])})`, [n, outputs, ...rest]);
  }

  text(): string {
    const last = this.values.at(-1)?.name ?? '';
    const batch = this.isOpen ? 'n' : '2';
    const outputs = [...new Set([...this.outputs, last])].join(', ');
    const inputs = [`x: float32[${batch},4,6,6]`, ...this.inputs].join(', ');
    return `<ir: 10, opset: ["": ${this.opset}, "my": 1]>\n${[...this.functions].join('\n')}\n(${inputs}) -> (${outputs})\n ${this.lines.join('\n ')}`;
  }
}

type Step = (g: Sketch, x: Val, d: Draw) => Val;

const unary: Step = (g, x, d) =>
  g.node(`${d.pick(['Relu', 'Neg', 'Sigmoid', 'Tanh', 'Abs', 'Exp'])}(${x.name})`, x.shape);

const slope: Step = (g, x, d) => {
  const alpha = d.pick(['1.0', '0.5']);
  if (d.below(2) === 0) return g.node(`LeakyRelu<alpha=${alpha}>(${x.name})`, x.shape);
  return g.node(`PRelu(${x.name}, ${g.filled([channelsOf(x), 1, 1], Number(alpha))})`, x.shape);
};

const clamp: Step = (g, x, d) => {
  const y = g.node(`${d.pick(['Sigmoid', 'Relu', 'Abs', 'Softmax<axis=1>', 'Tanh'])}(${x.name})`, x.shape);
  const z = d.below(3) === 0 ? g.transpose(y, [0, 2, 3, 1]) : y;
  const bounds = `${g.scalar(d.pick([0, -1, 0.25]))}, ${g.scalar(d.pick([1, 6, 0.5]))}`;
  const clamped = g.node(d.pick([`Relu(${z.name})`, `Clip(${z.name}, ${bounds})`, `Abs(${z.name})`]), z.shape);
  return z === y ? clamped : g.transpose(clamped, [0, 3, 1, 2]);
};

const casts: Step = (g, x, d) => {
  const y = g.node(`Cast<to=${d.pick([11, 10, 7, 1])}>(${x.name})`, x.shape);
  return g.node(`Cast<to=1>(${y.name})`, x.shape);
};

const nothing: Step = (g, x, d) => {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  const places = Array.from({ length: c }, (_, i) => i);
  const call = d.pick([
    `Tile(${x.name}, ${g.ints([1, 1, 1, 1])})`,
    `Gather<axis=1>(${x.name}, ${g.ints(d.below(3) === 2 ? places.toReversed() : places)})`,
    `Resize<mode="nearest">(${x.name}, _, ${g.fresh('s')}: float32[4] = [1,1,1,1])`,
    g.isOpen ? `Identity(${x.name})` : `Resize<mode="linear">(${x.name}, _, _, ${g.ints([n, c, h, w])})`,
    `Dropout(${x.name}, ${g.scalar(0)}, ${g.scalar(1, 'bool')})`,
    `Slice(${x.name}, ${g.ints([0])}, ${g.ints([h])}, ${g.ints([2])})`,
  ]);
  return g.node(call, x.shape);
};

const splits: Step = (g, x, d) => {
  const [n = 1, c = 1, ...rest] = x.shape;
  if (c < 2) return x;
  const [a, b] = [g.fresh('t'), g.fresh('t')];
  g.lines.push(`${a}, ${b} = Split<axis=1>(${x.name}, ${g.ints([1, c - 1])})`);
  if (d.below(3) === 2) g.values.push({ name: a, shape: [n, 1, ...rest] });
  return g.node(`Concat<axis=1>(${d.pick([`${a}, ${b}`, `${b}, ${a}`])})`, x.shape);
};

const pads: Step = (g, x, d) => {
  const mode = d.pick(['constant', 'constant', 'edge', 'constant', 'edge', 'reflect']);
  const amounts = (): number[] => [
    0,
    0,
    ...[0, 1].map(() => d.pick([1, 0, 2])),
    0,
    0,
    ...[0, 1].map(() => d.pick([0, 1, mode === 'constant' ? -1 : 0])),
  ];
  let y = x;
  for (let i = 0; i < 2; i++) {
    const p = amounts();
    const shape = y.shape.map((s, axis) => s + (p[axis] ?? 0) + (p[axis + 4] ?? 0));
    if (shape.slice(2).some((s) => s > 12 || s < 3)) return y;
    const value = mode === 'constant' ? `, ${g.scalar(d.pick([0, 0, 1]))}` : '';
    y = g.node(`Pad<mode="${mode}">(${y.name}, ${g.ints(p)}${value})`, shape);
  }
  return y;
};

const concats: Step = (g, x, d) => {
  const [n = 1, c = 1, ...rest] = x.shape;
  if (c > 4) return x;
  const inner = g.node(`Concat<axis=1>(${x.name}, ${x.name})`, [n, 2 * c, ...rest]);
  return g.node(`Concat<axis=${d.pick([1, -3])}>(${inner.name}, ${x.name})`, [n, 3 * c, ...rest]);
};

const PERMS: readonly [readonly number[], ...(readonly number[])[]] = [
  [0, 2, 3, 1],
  [0, 3, 1, 2],
  [0, 2, 1, 3],
  [0, 1, 3, 2],
];

/** Some operators between two Transposes, which may undo each other. */
const sandwich: Step = (g, x, d) => {
  const perm = d.pick(PERMS);
  let y = g.transpose(x, perm);
  // Another order may give the same sizes.
  const turned = d.pick([perm, perm, [0, 3, 2, 1]]);
  const other = d.below(2) === 0 ? g.transpose(g.node(`Neg(${x.name})`, x.shape), turned) : y;
  for (let i = 0; i < 1 + d.below(3); i++) {
    const axis = d.below(4);
    const size = y.shape[axis] ?? 1;
    switch (d.below(9)) {
      case 0:
        y = g.node(`Mul(${y.name}, ${g.weight([y.shape[3] ?? 1])})`, y.shape);
        break;
      case 1:
        if (other.shape.join() === y.shape.join()) y = g.node(`Add(${y.name}, ${other.name})`, y.shape);
        break;
      case 2:
        if (size * 2 <= 12 && axis > 0)
          y = g.node(`Concat<axis=${axis}>(${y.name}, ${y.name})`, y.shape.with(axis, 2 * size));
        break;
      case 3:
        y = g.node(`Softmax<axis=${axis}>(${y.name})`, y.shape);
        break;
      case 4:
        if (axis > 0) y = g.node(`ReduceSum(${y.name}, ${g.ints([axis])})`, y.shape.with(axis, 1));
        break;
      case 5:
        if (size > 2 && axis > 0)
          y = g.node(
            `Slice(${y.name}, ${g.ints([1])}, ${g.ints([size])}, ${g.ints([axis])})`,
            y.shape.with(axis, size - 1),
          );
        break;
      case 6:
        if (axis > 0) y = g.node(`Gather<axis=${axis}>(${y.name}, ${g.ints([size - 1, 0])})`, y.shape.with(axis, 2));
        break;
      case 7:
        if (size < 10 && axis > 0)
          y = g.node(`Pad(${y.name}, ${g.ints([0, 0, 0, 0, 0, 0, 0, 0].with(axis, 1))})`, y.shape.with(axis, size + 1));
        break;
      default:
        y = g.node(`Clip(${y.name}, ${g.scalar(-0.5)}, ${g.scalar(0.5)})`, y.shape);
    }
  }
  if (d.rarely(6)) g.values.push(y);
  const back = perm.map((_, i) => perm.indexOf(i));
  return g.transpose(y, d.below(4) === 3 ? [0, 3, 2, 1] : back);
};

/** Windows, each turned and put beside the others. */
const windows: Step = (g, x, d) => {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  if (h < 4) return x;
  const parts = [0, 1, 2].slice(0, 2 + d.below(2)).map((i) => {
    const s = g.node(`Slice(${x.name}, ${g.ints([i])}, ${g.ints([i + 2])}, ${g.ints([2])})`, [n, c, 2, w]);
    const t = g.transpose(s, [0, 1, 3, 2]);
    return g.node(`Unsqueeze(${t.name}, ${g.ints([2])})`, [n, c, 1, w, 2]).name;
  });
  const y = g.node(`Concat<axis=2>(${parts.join(', ')})`, [n, c, parts.length, w, 2]);
  return g.reshape(y, [n, c, parts.length * w, 2]);
};

const shuffle: Step = (g, x, d) => {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  if (c % 2 !== 0) return x;
  if (d.below(2) === 0) {
    const r = g.reshape(x, [n, 2, c / 2, h, w]);
    return g.reshape(g.transpose(r, [0, 2, 1, 3, 4]), [n, c, h, w]);
  }
  const rows = g.node(`Reshape(${x.name}, ${g.ints([-1, 2, h * w])})`, [(n * c) / 2, 2, h * w]);
  const t = g.transpose(rows, [1, 0, 2]);
  const y = g.node(`Reshape(${t.name}, ${g.ints([2, -1, c / 2, h, w])})`, [2, n, c / 2, h, w]);
  if (d.below(2) === 0) g.values.push(g.node(`Gather<axis=0>(${y.name}, ${g.scalar(0, 'int64')})`, [n, c / 2, h, w]));
  return g.node(`Gather<axis=0>(${y.name}, ${g.scalar(1, 'int64')})`, [n, c / 2, h, w]);
};

const turnedViews: Step = (g, x, d) => {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  const t = g.transpose(x, [0, 2, 3, 1]);
  if (d.below(2) === 0) {
    const r = g.reshape(t, [n, h * w, c]);
    return g.reshape(g.transpose(r, [0, 2, 1]), [n, c, h, w]);
  }
  if (c % 2 !== 0) return x;
  const r = g.reshape(t, [n, h, w, 2, c / 2]);
  return g.reshape(g.transpose(r, [0, 3, 4, 1, 2]), [n, c, h, w]);
};

/** A Reshape whose sizes are asked of a value. */
const asked: Step = (g, x, d) => {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  const y = g.node(`${d.pick(['Relu', 'Neg'])}(${x.name})`, x.shape);
  const s = g.node(`Shape(${d.pick([x, y]).name})`, [4]);
  const size = (i: number): string => g.node(`Gather<axis=0>(${s.name}, ${g.ints([i])})`, [1]).name;
  const parts = d.pick([
    [size(0), size(1), g.ints([h * w])],
    [size(0), g.ints([-1, w])],
    [g.ints([-1]), size(1), g.ints([h, w])],
  ]);
  const shapes = [
    [n, c, h * w],
    [n, c * h, w],
    [n, c, h, w],
  ];
  const to = g.node(`Concat<axis=0>(${parts.join(', ')})`, [parts.length]);
  const shape = shapes[parts.length === 2 ? 1 : parts[0]?.includes('int64') ? 2 : 0] ?? [];
  const r = g.node(`Reshape(${y.name}, ${to.name})`, shape);
  return g.reshape(r, x.shape);
};

/** Somebody asks for the shape of what could be merged. */
const questioned: Step = (g, x, d) => {
  const y = g.conv(x, 3);
  const s = g.node(`Shape(${y.name})`, [4]);
  const b = g.node(`Gather<axis=0>(${s.name}, ${g.ints([d.pick([0, 2])])})`, [1]);
  const z = g.node(`Relu(${g.batchNorm(y).name})`, y.shape);
  const f = g.node(`Cast<to=1>(${b.name})`, [1]);
  return g.node(`Mul(${z.name}, ${f.name})`, y.shape);
};

const branch: Step = (g, x, d) => {
  const [t, e] = [g.fresh('b'), g.fresh('b')];
  const w = g.weight([channelsOf(x), 1, 1]);
  const name = w.slice(0, w.indexOf(':'));
  g.lines.push(`${g.fresh('u')} = Mul(${x.name}, ${w})`);
  const condition = d.pick(['c', g.scalar(1, 'bool'), g.scalar(0, 'bool')]);
  const inner = (y: string): string =>
    d.below(3) === 2
      ? `${y} = If<then_branch={ g () -> (p)\n p = Neg(${x.name}) }, else_branch={ g () -> (p)\n q = Abs(${x.name})\n p = Mul(q, ${name}) }>(${d.pick(['c', g.scalar(1, 'bool')])})`
      : `q = Mul(${x.name}, ${name})\n ${y} = Add(q, ${name})`;
  return g.node(
    `If<then_branch={ g () -> (${t})\n ${inner(t)} }, else_branch={ g () -> (${e})\n q = Neg(${x.name})\n ${e} = Relu(q) }>(${condition})`,
    x.shape,
  );
};

const loop: Step = (g, x, d) => {
  const goes = d.pick(['Identity(r)', `Identity(${g.scalar(0, 'bool')})`]);
  const trips = d.pick([g.scalar(1, 'int64'), g.scalar(0, 'int64'), g.scalar(2, 'int64'), 'k', g.scalar(3, 'int64')]);
  const w = g.weight([channelsOf(x), 1, 1]);
  const body = `{ g (i: int64[], r: bool[], v: float32) -> (o, m)\n o = ${goes}\n f = Cast<to=1>(i)\n a = Add(v, f)\n m = Mul(a, ${w}) }`;
  return g.node(`Loop<body=${body}>(${trips}, ${d.pick(['_', g.scalar(1, 'bool')])}, ${x.name})`, x.shape);
};

const call: Step = (g, x, d) => {
  const at = `opset: ["": ${g.opset}, "my": 1]`;
  g.functions.add(
    `function my::f<slope, axis=1> ${at} { (a) -> (b)\n e = LeakyRelu<alpha=@slope>(a)\n q = Softmax<axis=@axis>(e)\n b = Add(q, e) }`,
  );
  if (d.below(2) === 0) return g.node(`my::f<slope=${d.pick(['0.5', '1.0'])}>(${x.name})`, x.shape);
  g.functions.add(
    `function my::g ${at} { (a, c) -> (b)\n q = my::f<slope=0.25, axis=2>(a)\n b = If<then_branch={ g () -> (p)\n p = Neg(q) }, else_branch={ g () -> (p)\n h = Abs(q)\n p = my::f<slope=0.125>(h) }>(c) }`,
  );
  return g.node(`my::g(${x.name}, ${d.pick(['c', g.scalar(1, 'bool')])})`, x.shape);
};

const zeros: Step = (g, x) => {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  if (g.isOpen || c > 8) return x;
  const z = g.node(`ConstantOfShape(${g.ints([n, 8, h, w])})`, [n, 8, h, w]);
  const e = g.node(`Exp(${z.name})`, z.shape);
  return g.conv(g.node(`Concat<axis=1>(${x.name}, ${e.name})`, [n, c + 8, h, w]), 4);
};

const standardised: Step = (g, x, d) => {
  const [n = 1, c = 1, ...rest] = x.shape;
  const outputs = 3;
  const ones = (v: number): string => g.filled([outputs], v);
  const r = g.node(`Reshape(${g.weight([outputs, c, 1, 1])}, ${g.ints([1, outputs, c])})`, [1, outputs, c]);
  const [y, m, v] = [g.fresh('t'), g.fresh('t'), g.fresh('t')];
  g.lines.push(
    `${y}, ${m}, ${v} = BatchNormalization<training_mode=1>(${r.name}, ${g.weight([outputs])}, ${ones(0)}, ${ones(0)}, ${ones(1)})`,
  );
  const w = g.node(`Reshape(${y}, ${g.ints([outputs, c, 1, 1])})`, [outputs, c, 1, 1]);
  if (d.below(3) === 2) g.outputs.add(m);
  return g.node(`Conv(${x.name}, ${w.name})`, [n, outputs, ...rest]);
};

const sequence: Step = (g, x, d) => {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  const r = g.reshape(x, [n, c, h * w]);
  const [op, gates] = d.pick([
    ['LSTM', 4],
    ['GRU', 3],
    ['RNN', 1],
  ]);
  const y = g.node(
    `${op}<hidden_size=3>(${r.name}, ${g.weight([1, gates * 3, h * w])}, ${g.weight([1, gates * 3, 3])})`,
    [n, 1, c, 3],
  );
  const s = g.node(`Squeeze(${y.name}, ${g.ints([1])})`, [n, c, 3]);
  const flat = g.node(`Reshape(${s.name}, ${g.ints([-1, 3])})`, [n * c, 3]);
  const m = g.node(`MatMul(${flat.name}, ${g.weight([3, 4])})`, [n * c, 4]);
  const a = g.node(`Add(${m.name}, ${g.weight([4])})`, m.shape);
  return g.node(`Reshape(${a.name}, ${g.ints([-1, c, 2, 2])})`, [n, c, 2, 2]);
};

const merged: Step = (g, x) => g.batchNorm(g.conv(x, 4));

const shown: Step = (g, x) => {
  if (x.name !== 'x') g.outputs.add(x.name);
  return x;
};

const STEPS: readonly [Step, ...Step[]] = [
  unary,
  slope,
  clamp,
  casts,
  nothing,
  nothing,
  splits,
  pads,
  pads,
  pads,
  concats,
  sandwich,
  sandwich,
  sandwich,
  windows,
  shuffle,
  turnedViews,
  asked,
  questioned,
  branch,
  loop,
  call,
  zeros,
  standardised,
  sequence,
  merged,
  shown,
];

interface Plan {
  readonly setting: readonly number[];
  readonly steps: readonly { readonly op: number; readonly numbers: readonly number[] }[];
}

/** A random graph of structure, as the numbers that it is drawn from. */
export const structure: fc.Arbitrary<Plan> = fc.record({
  setting: fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
  steps: fc.array(
    fc.record({ op: fc.nat(STEPS.length - 1), numbers: fc.array(fc.nat(255), { minLength: 24, maxLength: 24 }) }),
    { minLength: 2, maxLength: 6, size: 'max' },
  ),
});

export function structureText({ setting, steps }: Plan): string {
  const d = new Draw(setting);
  const g = new Sketch(d.pick([17, 18, 14, 21]), d.below(2) === 1);
  g.values.push({ name: 'x', shape: [2, 4, 6, 6] });
  for (const { op, numbers } of steps) {
    const draw = new Draw(numbers);
    const at = g.values.length - 1 - (draw.rarely(4) ? draw.below(g.values.length) : 0);
    const x = g.values[at] ?? { name: 'x', shape: [2, 4, 6, 6] };
    const y = x.shape.length === 4 && x.shape.every((s) => s > 0) ? (STEPS[op] ?? unary)(g, x, draw) : x;
    if (y.name !== x.name && y.shape.reduce((a, b) => a * b, 1) < 6000) g.values.push(y);
  }
  if (g.values.length === 1) g.values.push(g.node('Relu(x)', [2, 4, 6, 6]));
  return g.text();
}
