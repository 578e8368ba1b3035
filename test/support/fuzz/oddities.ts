import type { Draft, Draw, Val } from './draft.js';

/*
 * What random attributes seldom make: places that a lift has to leave alone for a reason of its own. Most stand beside
 * the rest of the graph and lead nowhere, since they break a rule of their operator (`odd` in their names says so); the
 * others are outputs.
 */

const dims = (shape: readonly (number | string)[]): string => `[${shape.join()}]`;

class Corner {
  constructor(
    private readonly g: Draft,
    readonly outputs: number,
  ) {}

  /** An initializer, filled from its name or with `data`. */
  w(shape: readonly number[], data?: readonly (number | string)[], type = 'float32'): string {
    return `${this.g.fresh('w')}: ${type}${dims(shape)}${data ? ` = [${data.join()}]` : ''}`;
  }

  i(values: readonly number[]): string {
    return this.w([values.length], values, 'int64');
  }

  /** An input of the graph. */
  input(name: string, type: string): string {
    this.g.extras.set(name, `${name}: ${type}`);
    return name;
  }

  /** An image of unknown size. */
  get z(): string {
    return this.input('z', 'float32[n,4,h,h]');
  }

  /** A node that leads nowhere. */
  odd(op: string, inputs: string): string {
    const name = this.g.fresh('odd');
    this.g.lines.push(`${name} = ${op}(${inputs})`);
    return name;
  }

  /** A node whose value is an output, when the rest of the graph can be run. */
  shown(op: string, inputs: string): string {
    const name = this.g.fresh('s');
    this.g.lines.push(`${name} = ${op}(${inputs})`);
    this.g.outputs.push(name);
    return name;
  }

  hidden(op: string, inputs: string): string {
    const name = this.g.fresh('s');
    this.g.lines.push(`${name} = ${op}(${inputs})`);
    return name;
  }

  conv(x = this.z, taps = 1, attrs = ''): string {
    return this.hidden(`Conv${attrs}`, `${x}, ${this.w([this.outputs, 4, taps, taps])}, ${this.w([this.outputs])}`);
  }

  batchNorm(x: string, changed: Readonly<Record<number, string>>, attrs = ''): string {
    const own = [0, 1, 2, 3].map((i) => changed[i] ?? this.w([this.outputs]));
    return this.odd(`BatchNormalization${attrs}`, [x, ...own].join(', '));
  }
}

type Oddity = (c: Corner) => void;

const pads = (amounts: readonly number[]): readonly number[] => [
  0,
  0,
  ...amounts.slice(0, 2),
  0,
  0,
  ...amounts.slice(2),
];

/** A 3x3 image padded by one, and a write to it. */
const scatter = (
  c: Corner,
  write: (c: Corner, d: string) => void,
  amounts: readonly number[] = pads([1, 1, 1, 1]),
): void => {
  const small = c.input('small', 'float32[1,2,3,3]');
  write(c, c.hidden('Pad', `${small}, ${c.i(amounts)}`));
};

export const ODDITIES: readonly [Oddity, ...Oddity[]] = [
  (c) => void c.odd('Conv<strides=[1]>', `${c.z}, ${c.w([2, 4, 1, 1])}`),
  (c) => void c.odd('Conv', `${c.z}, ${c.w([2, 4, 1, 1], undefined, 'int32')}`),
  (c) => void c.odd('Conv', `${c.z}, ${c.w([2, 4])}`),
  (c) => void c.odd('Conv', `${c.z}, ${c.w([2, 4, 1, 1])}, ${c.w([3])}`),
  (c) => void c.odd('Conv', `${c.z}, ${c.w([2, 5, 1, 1])}`),
  (c) => void c.odd('Conv', `${c.z}, ${c.w([2, 4, 1, 1])}, ${c.w([2])}, ${c.w([2])}`),
  (c) => void c.odd('ConvTranspose<group=3>', `${c.z}, ${c.w([4, 2, 1, 1])}`),
  (c) => void c.batchNorm(c.conv(), { 0: c.w([c.outputs], undefined, 'int32') }),
  (c) => void c.batchNorm(c.conv(), { 1: c.w([c.outputs + 1]) }),
  (c) =>
    void c.batchNorm(c.conv(), {
      3: c.w(
        [c.outputs],
        Array.from({ length: c.outputs }, () => -1),
      ),
    }),
  (c) =>
    void c.batchNorm(c.conv(), {
      0: c.w(
        [c.outputs],
        Array.from({ length: c.outputs }, () => 'inf'),
      ),
    }),
  (c) => void c.batchNorm(c.conv(), {}, '<spatial=0>'),
  (c) => void c.odd('Div', `${c.conv()}, ${c.w([], [0])}`),
  (c) => void c.odd('Add', `${c.conv()}, ${c.w([], undefined, 'int64')}`),
  (c) => void c.odd('Mul', `${c.hidden('Conv', `${c.z}, ${c.w([1, 4, 1, 1])}`)}, ${c.w([3, 1, 1])}`),
  (c) => void c.odd('Div', `${c.w([])}, ${c.conv()}`),
  (c) => void c.shown('Mul', `${c.conv()}, ${c.hidden('Add', `${c.w([1])}, ${c.w([1])}`)}`),
  (c) => {
    const halves = c.hidden('Conv', `${c.z}, ${c.w([c.outputs, 4, 1, 1], undefined, 'float16')}`);
    c.odd('Add', `${c.conv()}, ${halves}`);
  },
  (c) => void c.odd('Gemm', `${c.input('rows', 'float32[2,5]')}, ${c.w([5, 4], undefined, 'int32')}`),
  (c) => void c.shown('MatMul', `${c.input('row', 'float32[5]')}, ${c.w([5, 4])}`),
  (c) => void c.shown('MatMul', `${c.input('rows', 'float32[2,5]')}, ${c.input('other', 'float32[5,4]')}`),
  (c) => void c.shown('Gemm<transA=1>', `${c.input('rows', 'float32[2,5]')}, ${c.w([2, 4])}, ${c.w([4])}`),
  (c) => void c.odd('AveragePool<kernel_shape=[3,3], strides=[1]>', c.conv()),
  (c) => void c.odd('AveragePool<kernel_shape=[3,3], pads=[-1,0,0,0], count_include_pad=1>', c.conv()),
  (c) =>
    void c.shown(
      'AveragePool<kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER", count_include_pad=1>',
      c.conv(),
    ),
  (c) => void c.shown('AveragePool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1>', c.conv()),
  (c) => void c.shown('AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>', c.conv()),
  (c) => void c.odd('Pad', `${c.conv()}, ${c.i(pads([1, 1, 1, 1]))}, ${c.input('scalar', 'float32[]')}`),
  (c) => void c.odd('Pad', `${c.conv()}, ${c.i([0, 0, 1, 0, 0, 1])}`),
  (c) => void c.odd('Pad', `${c.conv()}, ${c.i([0, 1, 0, 0, 0, 0, 0, 0])}`),
  (c) => void c.odd('Slice', `${c.conv()}, ${c.i([0])}, ${c.input('end', 'int64[1]')}, ${c.i([2])}`),
  (c) => void c.odd('Slice', `${c.conv()}, ${c.i([1])}, ${c.i([8])}, ${c.i([2])}`),
  (c) => void c.odd('Slice', `${c.conv()}, ${c.i([0])}, ${c.i([1])}, ${c.i([0])}`),
  (c) => void c.odd('Slice', `${c.conv()}, ${c.i([0])}, ${c.i([9])}, ${c.i([2])}, ${c.i([2])}`),
  (c) => {
    const whole = c.input('whole', 'float32[2,c,3,3]');
    const name = c.odd('Split<axis=1>', whole);
    c.odd('Mul', `${name}, ${c.w([])}`);
  },
  (c) => void c.odd('Split<axis=2>', c.input('small', 'float32[1,2,3,3]')),
  (c) =>
    scatter(
      c,
      (c, d) => void c.odd('ScatterND<reduction="add">', `${d}, ${c.w([1, 4], [0, 0, 0, 0], 'int64')}, ${c.w([1])}`),
    ),
  (c) => scatter(c, (c, d) => void c.odd('ScatterND', `${d}, ${c.w([1, 4], [0, 0, 0, 0], 'int64')}, ${c.w([2])}`)),
  (c) => scatter(c, (c, d) => void c.odd('ScatterND', `${d}, ${c.w([1, 4], [0, 0, 5, 0], 'int64')}, ${c.w([1])}`)),
  (c) => scatter(c, (c, d) => void c.odd('ScatterND', `${d}, ${c.w([1, 4], [0, 0, 2, 2], 'int64')}, ${c.w([1])}`)),
  (c) => scatter(c, (c, d) => void c.odd('ScatterND', `${d}, ${c.w([1, 4], [0, 0, 0, 0], 'int64')}, ${c.w([1])}`)),
  (c) =>
    scatter(
      c,
      (c, d) => void c.odd('ScatterND', `${d}, ${c.w([1, 4], [0, 0, 0, 0], 'int64')}, ${c.input('one', 'float32[1]')}`),
    ),
  (c) =>
    scatter(
      c,
      (c, d) => void c.odd('ScatterND', `${d}, ${c.w([0, 4], [], 'int64')}, ${c.w([0], [])}`),
      pads([0, 0, 0, 0]),
    ),
  (c) =>
    scatter(
      c,
      (c, d) => void c.odd('ScatterND', `${d}, ${c.w([1, 4], [0, 0, 0, 0], 'int64')}, ${c.w([1])}`),
      pads([-1, 1, 1, 1]),
    ),
  (c) =>
    scatter(c, (c, d) => {
      c.odd('ScatterND', `${d}, ${c.w([1, 4], [0, 0, 0, 0], 'int64')}, ${c.w([1])}`);
      c.odd('Relu', d);
    }),
  (c) => void c.odd('ScatterND', `${c.conv()}, ${c.w([1, 4], [0, 0, 0, 0], 'int64')}, ${c.w([1])}`),
  (c) => {
    const large = c.hidden('Expand', `${c.w([1])}, ${c.i([1, 1, 5000, 5000])}`);
    const padded = c.odd('Pad', `${large}, ${c.i(pads([1, 1, 1, 1]))}`);
    c.odd('ScatterND', `${padded}, ${c.w([1, 4], [0, 0, 0, 0], 'int64')}, ${c.w([1])}`);
  },
  (c) => void c.odd('Concat<axis=1>', `${c.conv()}, ${c.w([2, 1, 9, 9])}`),
  (c) => {
    const up = c.hidden('ConvTranspose<pads=[1,1,1,1]>', `${c.z}, ${c.w([4, 2, 3, 3])}`);
    c.shown('Concat<axis=1>', `${c.conv(c.z, 1)}, ${up}`);
  },
  (c) => {
    const sum = c.hidden(
      'Add',
      `${c.hidden('Conv', `${c.z}, ${c.w([4, 4, 1, 1])}`)}, ${c.input('z2', 'float32[n,4,h,h]')}`,
    );
    c.shown('Concat<axis=1>', `${sum}, ${c.conv()}`);
  },
  (c) => {
    const parts = [c.conv(), c.conv()].map((p) => c.hidden('Unsqueeze', `${p}, ${c.i([0])}`));
    const stack = c.hidden('Concat<axis=0>', parts.join(', '));
    c.odd('ReduceMean<axes=[0], keepdims=0>', stack);
    c.odd('Relu', stack);
  },
  (c) => void c.shown('ReduceSum', c.shown('Relu', c.conv())),
  (c) => void c.odd('ReduceMean<axes=[2,3]>', c.conv()),
  (c) => void c.odd('Neg', c.input('many', `float32[1,${2 ** 20 + 1},1,1]`)),
  (c) => {
    const x = c.conv();
    const e = c.odd('Erf', c.odd('Div', `${x}, ${c.w([], [Math.SQRT2])}`));
    const whole = c.odd('Mul', `${x}, ${c.odd('Add', `${e}, ${c.w([], [1])}`)}`);
    c.odd('Mul', `${whole}, ${c.w([], [0.5])}`);
  },
  // Sizes, strides and dilations that do not go together.
  (c) => void c.odd('Add', `${c.conv(c.z, 2, '<strides=[8,8]>')}, ${c.conv(c.z, 1, '<strides=[8,8]>')}`),
  (c) => void c.odd('Add', `${c.conv(c.z, 1, '<strides=[2,2]>')}, ${c.conv()}`),
  (c) =>
    void c.odd('Add', `${c.conv(c.z, 3, '<dilations=[2,2], pads=[2,2,2,2]>')}, ${c.conv(c.z, 3, '<pads=[1,1,1,1]>')}`),
  (c) =>
    void c.odd(
      'Add',
      `${c.conv(c.z, 3, '<dilations=[2,2], pads=[2,2,2,2]>')}, ${c.conv(c.z, 2, '<dilations=[2,2], pads=[1,1,1,1]>')}`,
    ),
  (c) => {
    const sized = c.input('sized', 'float32[2,4,5,5]');
    c.odd('Add', `${c.conv(sized, 3)}, ${c.conv(sized, 1)}`);
  },
  (c) =>
    void c.odd(
      'Add',
      `${c.hidden('Conv', `${c.z}, ${c.w([1, 4, 1, 1])}`)}, ${c.hidden('Conv', `${c.z}, ${c.w([3, 4, 1, 1])}`)}`,
    ),
  (c) =>
    void c.shown(
      'Add',
      `${c.conv(c.z, 3, '<auto_pad="SAME_UPPER", strides=[2,2]>')}, ${c.conv(c.z, 1, '<auto_pad="SAME_UPPER", strides=[2,2]>')}`,
    ),
  (c) => void c.shown('Conv<pads=[1,1,1,1]>', `${c.conv()}, ${c.w([2, c.outputs, 3, 3])}`),
  (c) => void c.shown('Conv<pads=[1,1,1,1]>', `${c.hidden('Sub', `${c.z}, ${c.w([4, 1, 1])}`)}, ${c.w([2, 4, 3, 3])}`),
  (c) => void c.shown('ConvTranspose', `${c.conv()}, ${c.w([c.outputs, 2, 2, 2])}`),
  (c) => {
    const up = (attrs: string): string => c.hidden(`ConvTranspose${attrs}`, `${c.z}, ${c.w([4, 2, 3, 3])}`);
    c.shown('Add', `${up('')}, ${up('<dilations=[1,1]>')}`);
  },
  (c) =>
    void c.shown('ConvTranspose', `${c.hidden('ConvTranspose', `${c.z}, ${c.w([4, 3, 1, 1])}`)}, ${c.w([3, 2, 2, 2])}`),
  (c) => void c.shown('Conv', `${c.hidden('ConvTranspose', `${c.z}, ${c.w([4, 3, 2, 2])}`)}, ${c.w([3, 3, 3, 3])}`),
  (c) => void c.shown('Conv', `${c.conv(c.z, 3)}, ${c.w([c.outputs, c.outputs, 3, 3])}`),
  (c) => void c.shown('AveragePool<kernel_shape=[2,2], strides=[2,2]>', c.conv()),
  (c) =>
    void c.shown('Sum', `${c.hidden('Conv', `${c.z}, ${c.w([4, 4, 1, 1])}`)}, ${c.input('z2', 'float32[n,4,h,h]')}`),
  // Numbers that the element type does not hold.
  (c) => halves(c, 400),
  (c) => halves(c, 0.0003),
  notFinite,
  (c) => halves(c, 500),
  (c) => halves(c, 0.0002),
  notFinite,
];

function notFinite(c: Corner): void {
  const wide = c.odd(
    'Conv',
    `${c.input('wide', 'float64[1,2,3,3]')}, ${c.w([2, 2, 1, 1], [1e200, 1e200, 1e200, 1e200], 'float64')}`,
  );
  c.odd('Mul', `${wide}, ${c.w([], [1e200], 'float64')}`);
}

function halves(c: Corner, value: number): void {
  const four = [value, value, value, value];
  const y = c.odd('Conv', `${c.input('half', 'float16[1,2,3,3]')}, ${c.w([2, 2, 1, 1], four, 'float16')}`);
  c.odd('Mul', `${y}, ${c.w([], [value], 'float16')}`);
}

/** One of them, beside the rest; several at once would only repeat. */
export function oddity(g: Draft, x: Val, d: Draw): Val {
  const drawn = d.below(ODDITIES.length);
  // Signatures as from opset 13 on, and constants that no caller sees.
  if (g.setting.opset >= 13 && g.setting.opset < 18 && g.setting.ir >= 4)
    ODDITIES[drawn]?.(new Corner(g, 2 + d.below(3)));
  return x;
}
