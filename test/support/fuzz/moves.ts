import { channelsOf, type Draft, type Draw, filled, list, rankOf, spatialOf, type Val } from './draft.js';

/* Scales and shifts with something that they commute with, or nearly, between them and a convolution; and paddings, phases and choices of channels. */

/** A BatchNormalization, or Mul, Add, Sub, Div by a number for each channel; of one sign or of both. */
function affine(g: Draft, x: Val, d: Draw): Val {
  const c = channelsOf(x);
  const shape = d.pick([[c, ...filled(rankOf(x), 1)], [1, c, ...filled(rankOf(x), 1)], []]);
  const size = shape.reduce((n, s) => n * s, 1);
  const positive = (): string =>
    g.constant(
      shape,
      undefined,
      Array.from({ length: size }, (_, i) => 0.5 + 0.25 * (i % 5)),
    );
  const by = (op: string, y: Val, constant: string): Val => g.node(op, '', `${y.name}, ${constant}`, y.shape);
  switch (d.below(6)) {
    case 0:
    case 1:
      return g.batchNorm(x, d);
    case 2:
      return by('Mul', x, positive());
    case 3:
      return by('Add', by('Mul', x, g.constant(shape, d)), g.constant(shape, d));
    case 4:
      return by('Div', by('Sub', x, g.constant(shape, d)), positive());
    default:
      return by('Add', by('Mul', x, positive()), g.constant(shape, d));
  }
}

/** Another operator on the way, whose result may have other axes. */
type Between = (g: Draft, x: Val, d: Draw) => Val;

const spatialAxes = (x: Val): number[] => Array.from({ length: rankOf(x) }, (_, i) => i + 2);
const ones = (x: Val): number[] => [...x.shape.slice(0, 2), ...filled(rankOf(x), 1)];

const reduced =
  (op: 'ReduceMean' | 'ReduceSum' | 'ReduceMax'): Between =>
  (g, x) => {
    const axes = spatialAxes(x);
    const attribute = g.setting.opset < (op === 'ReduceSum' ? 13 : 18);
    return attribute
      ? g.node(op, `axes=${list(axes)}`, x.name, ones(x))
      : g.node(op, '', `${x.name}, ${g.ints(axes)}`, ones(x));
  };

const BETWEEN: readonly [Between, ...Between[]] = [
  (g, x) => g.node('GlobalAveragePool', '', x.name, ones(x)),
  (g, x) => g.node('GlobalMaxPool', '', x.name, ones(x)),
  reduced('ReduceMean'),
  reduced('ReduceSum'),
  reduced('ReduceMax'),
  (g, x) => {
    if (spatialOf(x).some((n) => n < 2)) return x;
    return g.node('MaxPool', `kernel_shape=${list(filled(rankOf(x), 2))}`, x.name, [
      ...x.shape.slice(0, 2),
      ...spatialOf(x).map((n) => n - 1),
    ]);
  },
  (g, x, d) => {
    const taps = filled(rankOf(x), 3);
    const pads = list(filled(2 * rankOf(x), 1));
    return g.node(
      'AveragePool',
      `kernel_shape=${list(taps)}, pads=${pads}, count_include_pad=${d.below(2)}`,
      x.name,
      x.shape,
    );
  },
  (g, x) => {
    if (g.setting.opset < 13 || rankOf(x) !== 2) return x;
    const factors = [1, 1, 2, 1];
    const mode = 'mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"';
    const shape = x.shape.map((n, i) => n * (factors[i] ?? 1));
    return g.node('Resize', mode, `${x.name}, _, ${g.fresh('w')}: float32[4] = ${list(factors)}`, shape);
  },
  (g, x, d) => {
    if (rankOf(x) !== 2 || channelsOf(x) % 4 !== 0) return x;
    const [n = 1, c = 4, h = 1, w = 1] = x.shape;
    const mode = g.setting.opset >= 11 && d.below(2) === 1 ? ', mode="CRD"' : '';
    return g.node('DepthToSpace', `blocksize=2${mode}`, x.name, [n, c / 4, 2 * h, 2 * w]);
  },
  (g, x) => {
    if (rankOf(x) !== 2 || spatialOf(x).some((n) => n < 2)) return x;
    const even = g.slice(
      x,
      [2, 3],
      [0, 0],
      spatialOf(x).map((n) => n - (n % 2)),
    );
    const [n = 1, c = 4, h = 1, w = 1] = even.shape;
    return g.node('SpaceToDepth', 'blocksize=2', even.name, [n, 4 * c, h / 2, w / 2]);
  },
  (g, x) => g.elementwise('Relu', [x]),
  (g, x) => g.node('LeakyRelu', 'alpha=0.25', x.name, x.shape),
  (g, x) => g.node('PRelu', '', `${x.name}, ${g.constant([channelsOf(x), ...filled(rankOf(x), 1)])}`, x.shape),
  (g, x, d) => g.pad(x, [0, 0, ...filled(rankOf(x), 1)], filled(x.shape.length, 0), d.pick(['constant', 'edge'])),
  (g, x, d) => {
    const length = channelsOf(x);
    const index = Array.from({ length }, (_, i) => (i * 3 + d.below(3)) % length);
    return g.node('Gather', 'axis=1', `${x.name}, ${g.ints(index)}`, x.shape);
  },
  (g, x, d) =>
    channelsOf(x) < 2 || (x.shape[2] ?? 1) < 2
      ? x
      : g.slice(x, [1, 2], [1, 0], [channelsOf(x), d.pick([2 ** 31 - 1, -1])]),
  (g, x) => {
    if (g.setting.opset < 8) return x;
    const pooled = g.node('GlobalAveragePool', '', x.name, ones(x));
    const shape = [...x.shape.slice(0, 2), ...filled(rankOf(x), 3)];
    return g.node('Expand', '', `${pooled.name}, ${g.ints([1, 1, ...filled(rankOf(x), 3)])}`, shape);
  },
  (g, x, d) => {
    // A channel shuffle.
    const c = channelsOf(x);
    const groups = d.pick([2, 3]);
    if (c % groups !== 0) return x;
    const apart = [x.shape[0] ?? 1, groups, c / groups, ...spatialOf(x)];
    const view = g.node('Reshape', '', `${x.name}, ${g.ints(apart)}`, apart);
    const turned = [apart[0] ?? 1, c / groups, groups, ...spatialOf(x)];
    const perm = [0, 2, 1, ...spatialOf(x).map((_, i) => i + 3)];
    const turn = g.node('Transpose', `perm=${list(perm)}`, view.name, turned);
    return g.node('Reshape', '', `${turn.name}, ${g.ints(x.shape)}`, x.shape);
  },
  (g, x) => {
    const parts = channelsOf(x) > 1 ? g.split(x, [1, channelsOf(x) - 1]) : [x];
    return g.concat(parts.map((p, i) => (i === 0 ? p : g.elementwise('Identity', [p]))));
  },
  (g, x) => g.elementwise('Sigmoid', [x]),
];

const conv = (g: Draft, x: Val, d: Draw): Val => {
  const rank = rankOf(x);
  const small = spatialOf(x).some((n) => n < 3);
  const k = small ? 1 : d.pick([1, 3]);
  return g.conv(
    x,
    {
      outputs: d.pick([4, 8, 2]),
      taps: filled(rank, k),
      pads: filled(2 * rank, d.pick([0, (k - 1) / 2])),
      bias: d.below(2) === 1,
    },
    d,
  );
};

const between = (g: Draft, x: Val, d: Draw): Val => (BETWEEN[d.below(BETWEEN.length)] ?? BETWEEN[0])(g, x, d);

/** Convolutions, something between, and a scale and shift above it. */
export function movedUp(g: Draft, x: Val, d: Draw): Val {
  const made = conv(g, x, d);
  if (d.below(3) === 2) {
    const beside = g.elementwise(d.pick(['Relu', 'Sigmoid']), [x]);
    const other = g.conv(beside, { outputs: 2, taps: filled(rankOf(x), 1) }, d);
    const same = other.shape.slice(2).join() === made.shape.slice(2).join();
    if (same && channelsOf(made) < 9) return affine(g, g.concat(d.rarely(4) ? [made, beside] : [made, other]), d);
  }
  const y = between(g, made, d);
  return affine(g, d.rarely(3) ? between(g, y, d) : y, d);
}

/** Several parts, each with a scale and shift of its own. */
export function movedUpParts(g: Draft, x: Val, d: Draw): Val {
  const made = g.conv(x, { outputs: 6, taps: filled(rankOf(x), 1), bias: true }, d);
  const [a, b] = g.split(made, [2, 4]);
  if (!a || !b) return made;
  return g.concat([affine(g, a, d), d.below(2) === 1 ? affine(g, b, d) : g.elementwise('Relu', [b])]);
}

/** A scale and shift below something, and below one convolution or several. */
export function movedDown(g: Draft, x: Val, d: Draw): Val {
  const start = affine(g, g.elementwise('Relu', [x]), d);
  const y = d.below(3) === 2 ? start : between(g, start, d);
  const first = conv(g, y, d);
  if (!d.rarely(3)) return first;
  const second = conv(g, y, d);
  return g.elementwise('Relu', [second]).shape.join() === first.shape.join()
    ? g.elementwise('Add', [first, g.elementwise('Relu', [second])])
    : second;
}

/** Scales and shifts one above the other, with nothing to take them. */
export function affineChain(g: Draft, x: Val, d: Draw): Val {
  const y = affine(g, affine(g, g.elementwise('Relu', [x]), d), d);
  return g.elementwise('Sigmoid', [d.rarely(3) ? affine(g, y, d) : y]);
}

/** A Linear of tokens with a scale of its features, turned to axis 1 and not back. */
export function turnedProduct(g: Draft, x: Val, d: Draw): Val {
  const width = x.shape.at(-1) ?? 1;
  const shape = [...x.shape.slice(0, -1), 4];
  const product = g.node('MatMul', '', `${x.name}, ${g.constant([width, 4], d)}`, shape);
  const y = d.below(2) === 1 ? g.node('Add', '', `${product.name}, ${g.constant([4], d)}`, shape) : product;
  const last = shape.length - 1;
  const rest = shape.slice(1, -1).map((_, i) => i + 1);
  const perm = [0, last, ...rest];
  return affine(
    g,
    g.node(
      'Transpose',
      `perm=${list(perm)}`,
      y.name,
      perm.map((p) => shape[p] ?? 1),
    ),
    d,
  );
}

/** RepVGG or ACNet with paddings that repeat elements; sometimes with unlike modes, or one Pad for all. */
export function paddingMode(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  if (spatialOf(x).some((n) => n < 3)) return x;
  const modes = g.setting.opset < 19 ? (['reflect', 'edge'] as const) : (['reflect', 'edge', 'wrap'] as const);
  const mode = d.pick([...modes] as [string, ...string[]]);
  const outputs = channelsOf(x);
  const around = (axes: readonly boolean[], m = mode): Val => {
    const amounts = [0, 0, ...axes.map((a) => (a ? 1 : 0))];
    return g.pad(x, amounts, amounts, m);
  };
  const all = filled(rank, 1).map(() => true);
  const shared = around(all);
  const branch = (y: Val, taps: readonly number[]): Val => g.batchNorm(g.conv(y, { outputs, taps }, d), d);
  const branches = [branch(shared, filled(rank, 3))];
  if (d.below(2) === 1) branches.push(branch(x, filled(rank, 1)));
  if (d.below(2) === 1) branches.push(g.batchNorm(x, d));
  if (d.rarely(3)) branches.push(branch(shared, filled(rank, 3)));
  if (d.rarely(3)) {
    const line = all.map((_, i) => i === 0);
    branches.push(
      branch(
        around(line),
        line.map((on) => (on ? 3 : 1)),
      ),
    );
  }
  if (d.rarely(5)) branches.push(branch(around(all, mode === 'edge' ? 'reflect' : 'edge'), filled(rank, 3)));
  return branches.slice(1).reduce((sum, b) => g.elementwise('Add', [sum, b]), branches[0] ?? x);
}

/** The phases of 2 x 2 blocks, joined, under a convolution. */
export function focus(g: Draft, x: Val, d: Draw): Val {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  if (g.setting.opset < 10 || rankOf(x) !== 2 || h % 2 !== 0 || w % 2 !== 0 || c > 4) return conv(g, x, d);
  const step = (y: Val, axes: readonly number[], starts: readonly number[]): Val => {
    const shape = y.shape.map((s, i) => (axes.includes(i) ? s / 2 : s));
    const range = [starts, axes.map(() => 2 ** 31 - 1), axes, axes.map(() => 2)].map((v) => g.ints(v)).join(', ');
    return g.node('Slice', '', `${y.name}, ${range}`, shape);
  };
  const rows = d.below(2) === 1 ? [0, 1].map((i) => step(x, [2], [i])) : undefined;
  const phases = [0, 1, 2, 3].map((i) => {
    const row = rows?.[i % 2];
    return row ? step(row, [3], [i >> 1]) : step(x, [2, 3], [i % 2, i >> 1]);
  });
  const order = d.rarely(3) ? phases.toReversed() : phases;
  const joined = g.concat(order);
  const k = d.pick([3, 1]);
  const pad = d.pick([(k - 1) / 2, 0]);
  if (joined.shape.join() !== [n, 4 * c, h / 2, w / 2].join()) return x;
  return g.conv(
    joined,
    {
      outputs: d.pick([2, 4]),
      taps: [k, k],
      pads: filled(4, pad),
      strides: filled(2, d.pick([1, 2])),
      bias: d.below(2) === 1,
    },
    d,
  );
}

/** Channels in another order, below or above a convolution. */
export function channelOrder(g: Draft, x: Val, d: Draw): Val {
  const choose = (y: Val): Val => {
    const c = channelsOf(y);
    if (g.setting.opset >= 10 && d.below(2) === 1) {
      const range = [[-1], [-(2 ** 40)], [1], [-1]].map((v) => g.ints(v)).join(', ');
      return g.node('Slice', '', `${y.name}, ${range}`, y.shape);
    }
    return g.node('Gather', 'axis=1', `${y.name}, ${g.ints(Array.from({ length: c }, (_, i) => c - 1 - i))}`, y.shape);
  };
  return d.below(2) === 0 ? conv(g, choose(x), d) : choose(conv(g, x, d));
}

/** One Pad for several convolutions. */
export function sharedPad(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const amounts = [0, 0, ...filled(rank, 1)];
  const padded = g.pad(x, amounts, amounts, 'constant', d.rarely(4) ? 0.5 : 0);
  const one = (): Val => g.conv(padded, { outputs: 2, taps: filled(rank, 3), bias: d.below(2) === 1 }, d);
  const [a, b] = [one(), g.elementwise('Relu', [d.rarely(4) ? padded : one()])];
  return a.shape.join() === b.shape.join() ? g.elementwise('Mul', [a, b]) : g.elementwise('Relu', [a]);
}

/** a + a, by one name or by two equal branches. */
export function doubled(g: Draft, x: Val, d: Draw): Val {
  const made = conv(g, x, d);
  return g.elementwise(d.pick(['Add', 'Sum', 'Mean', 'Sub']), [made, made]);
}
