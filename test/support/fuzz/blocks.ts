import { channelsOf, type Draft, type Draw, filled, rankOf, spatialOf, type Val, type WindowSpec } from './draft.js';

/* Blocks as papers and exporters write them. Each takes a value and gives one; each choice comes from what is drawn. */

const halves = (taps: readonly number[]): number[] => [...taps, ...taps].map((n) => Math.floor(n / 2));
const convBn = (g: Draft, x: Val, spec: WindowSpec, d: Draw): Val => g.batchNorm(g.conv(x, spec, d), d);
const groupsOf = (d: Draw, ...channels: readonly number[]): number =>
  d.pick([1, 1, 2, channels[0] ?? 1].filter((n) => channels.every((c) => c % n === 0)) as [number, ...number[]]);

/** Any two or more values of one shape as one, in the ways that exporters write it. */
function joined(g: Draft, xs: readonly [Val, ...Val[]], d: Draw): Val {
  switch (d.below(7)) {
    case 0:
    case 1:
      return xs.slice(1).reduce((sum, x) => g.elementwise('Add', [sum, x]), xs[0]);
    case 2:
      return g.elementwise('Sum', xs);
    case 3:
      return g.elementwise('Mean', xs);
    case 4: {
      const sum = xs.slice(1).reduce((sum, x) => g.elementwise('Add', [sum, x]), xs[0]);
      return g.node('Div', '', `${sum.name}, ${g.constant([], d, [3])}`, sum.shape);
    }
    case 5:
      return g.stackReduced(d.pick(['ReduceMean', 'ReduceSum']), xs, d.pick([0, 1]));
    default:
      return xs.slice(1).reduce((sum, x) => g.elementwise('Sub', [sum, x]), xs[0]);
  }
}

/**
 * k x k, 1 x k and k x 1 (or any that align), each with its BatchNorm or not, summed; crops where the padding is small.
 */
export function acnet(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const k = d.pick([3, 3, 5, 1]);
  const strides = filled(rank, d.pick([1, 1, 2]));
  const outputs = d.pick([channelsOf(x), 2, 4]);
  const groups = groupsOf(d, channelsOf(x), outputs);
  const bn = d.below(2) === 1;
  const bias = d.below(2) === 1;
  const one = (taps: readonly number[]): Val => {
    const spec = { outputs, taps, strides, pads: halves(taps), groups, bias };
    return bn ? convBn(g, x, spec, d) : g.conv(x, spec, d);
  };
  const line = (axis: number): number[] => filled(rank, 1).map((_, i) => (i === axis ? k : 1));
  const branches: [Val, ...Val[]] = [one(filled(rank, k)), one(line(0)), one(line(rank - 1))];
  if (d.rarely(3)) branches.push(one(filled(rank, 1)));
  return joined(g, branches, d);
}

/** A large window and smaller ones inside it, some of them dilated, as UniRepLKNet has them. */
export function dilatedReparam(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const outputs = channelsOf(x);
  const groups = d.pick([1, outputs]);
  const one = (taps: number, dilation: number): Val => {
    const pads = filled(2 * rank, ((taps - 1) * dilation) >> 1);
    return convBn(g, x, { outputs, taps: filled(rank, taps), dilations: filled(rank, dilation), pads, groups }, d);
  };
  const inside = Array.from({ length: 1 + d.below(2) }, () => one(3, d.pick([2, 1, 2])));
  return joined(g, [one(5, 1), ...inside], d);
}

/** The authors' crop: k x k without padding, the 1 x k and k x 1 on a cropped input. */
export function acnetCrop(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  if (rank !== 2 || spatialOf(x).some((n) => n < 5)) return acnet(g, x, d);
  const outputs = channelsOf(x);
  const square = convBn(g, x, { outputs, taps: [3, 3] }, d);
  const across = convBn(g, g.slice(x, [2], [1], [-1]), { outputs, taps: [1, 3] }, d);
  const down = convBn(g, g.slice(x, [3], [1], [-1]), { outputs, taps: [3, 1] }, d);
  return joined(g, [square, across, down], d);
}

/** 3x3 and 1x1, each with a BatchNorm, and the identity's BatchNorm. */
export function repvgg(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const outputs = channelsOf(x);
  const groups = groupsOf(d, outputs);
  const branches: [Val, ...Val[]] = [
    g.batchNorm(x, d),
    convBn(g, x, { outputs, taps: filled(rank, 3), pads: filled(2 * rank, 1), groups }, d),
    convBn(g, x, { outputs, taps: filled(rank, 1), groups }, d),
  ];
  return joined(g, branches, d);
}

/** A scale branch and several equal ones; depthwise or pointwise; sometimes with a literal zero added. */
export function mobileOne(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const outputs = channelsOf(x);
  const depthwise = d.below(2) === 1;
  const spec: WindowSpec = depthwise
    ? { outputs, taps: filled(rank, 3), pads: filled(2 * rank, 1), groups: outputs }
    : { outputs, taps: filled(rank, 1) };
  let sum = g.batchNorm(x, d);
  for (let i = 0; i < 1 + d.below(3); i++) sum = g.elementwise('Add', [convBn(g, x, spec, d), sum]);
  return d.rarely(3) ? g.node('Add', '', `${sum.name}, ${g.constant([], d, [0])}`, sum.shape) : sum;
}

/** A BatchNorm whose shift is known in numbers, and its value on zeros for every channel. */
function knownBatchNorm(g: Draft, x: Val): { readonly y: Val; readonly border: readonly number[] } {
  const channels = channelsOf(x);
  const of = (f: (c: number) => number): number[] => Array.from({ length: channels }, (_, c) => f(c));
  const [gamma, beta, mean, variance] = [
    of((c) => 0.5 + 0.25 * c),
    of((c) => 0.75 - 0.5 * c),
    of((c) => 0.25 * c - 0.5),
    of((c) => 1 + 0.5 * c),
  ];
  const inputs = [gamma, beta, mean, variance].map((v) => g.constant([channels], undefined, v));
  const epsilon = Math.fround(0.001);
  const y = g.node('BatchNormalization', 'epsilon=0.001', `${x.name}, ${inputs.join(', ')}`, x.shape);
  const border = of((c) =>
    Math.fround((beta[c] ?? 0) - ((mean[c] ?? 0) * (gamma[c] ?? 0)) / Math.sqrt((variance[c] ?? 1) + epsilon)),
  );
  return { y, border };
}

/** Pads by one on each side and writes `border` over the padding, as exports of DiverseBranchBlock do. */
function borderPad(g: Draft, x: Val, border: readonly number[], d: Draw): Val {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  let y = g.pad(x, [0, 0, 1, 1], [0, 0, 1, 1]);
  const wrong = d.rarely(8);
  const [height, width] = [h + 2, w + 2];
  for (const side of [0, 1, 2, 3]) {
    const places: number[] = [];
    const values: number[] = [];
    for (let image = 0; image < n; image++) {
      for (let channel = 0; channel < c; channel++) {
        for (let i = 0; i < (side < 2 ? width : height); i++) {
          const inner = wrong && side === 3 ? 1 : 0;
          const place =
            [
              [0, i],
              [height - 1, i],
              [i, 0],
              [i, width - 1 - inner],
            ][side] ?? [];
          places.push(image, channel, ...place);
          values.push(border[channel] ?? 0);
        }
      }
    }
    const indices = `${g.fresh('i')}: int64[${values.length},4] = [${places.join()}]`;
    const updates = g.constant([values.length], undefined, values);
    y = g.node('ScatterND', '', `${y.name}, ${indices}, ${updates}`, [n, c, height, width]);
  }
  return y;
}

/** 1x1, BatchNorm, a padding that carries the BatchNorm's own constant, then k x k or a mean; beside a plain k x k. */
export function dbb(g: Draft, x: Val, d: Draw): Val {
  if (rankOf(x) !== 2 || g.setting.opset < 11 || g.setting.ir < 4) return repvgg(g, x, d);
  const outputs = channelsOf(x);
  const groups = groupsOf(d, outputs);
  const inner = knownBatchNorm(g, g.conv(x, { outputs, taps: [1, 1], groups }, d));
  const padded = borderPad(g, inner.y, inner.border, d);
  const k = convBn(g, padded, { outputs, taps: [3, 3], groups }, d);
  const plain = convBn(g, x, { outputs, taps: [3, 3], pads: [1, 1, 1, 1], groups }, d);
  if (d.below(2) === 0) return joined(g, [plain, k], d);
  const below = knownBatchNorm(g, g.conv(x, { outputs, taps: [1, 1], groups }, d));
  const box = borderPad(g, below.y, below.border, d);
  const mean = g.batchNorm(g.node('AveragePool', 'kernel_shape=[3,3]', box.name, below.y.shape), d);
  return joined(g, [plain, k, mean], d);
}

/** A grouped convolution written as Split, convolutions, Concat; or as Slices. */
export function splitTransformMerge(g: Draft, x: Val, d: Draw): Val {
  const channels = channelsOf(x);
  const paths = [2, 3, 4].find((n) => channels % n === 0) ?? 1;
  if (paths === 1) return branchesConcat(g, x, d);
  const width = channels / paths;
  const parts =
    d.below(2) === 0
      ? g.split(x, filled(paths, width))
      : Array.from({ length: paths }, (_, i) => g.slice(x, [1], [i * width], [(i + 1) * width]));
  const rank = rankOf(x);
  const k = d.pick([3, 1]);
  const outputs = d.pick([1, 2, width]);
  const bn = d.below(2) === 1;
  const order = d.rarely(6) ? [...parts].reverse() : parts;
  const made = order.map((part) => {
    const spec = { outputs, taps: filled(rank, k), pads: filled(2 * rank, (k - 1) / 2), bias: d.below(2) === 1 };
    return bn ? convBn(g, part, spec, d) : g.conv(part, spec, d);
  });
  const joined = g.concat(made);
  return d.below(3) === 2 ? g.batchNorm(joined, d) : joined;
}

/** Convolutions side by side on one value, joined along the channels. */
export function branchesConcat(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const made = Array.from({ length: 2 + d.below(2) }, () => {
    const k = d.pick([1, 1, 1, 3]);
    const branch = g.conv(
      x,
      { outputs: 1 + d.below(3), taps: filled(rank, k), pads: filled(2 * rank, (k - 1) / 2), bias: d.below(2) === 1 },
      d,
    );
    return d.rarely(4) ? g.elementwise('Relu', [branch]) : branch;
  });
  const all = g.concat(d.rarely(8) ? [...made, x] : made);
  if (d.rarely(3)) return g.conv(all, { outputs: 1 + d.below(2), taps: filled(rank, 1), bias: d.below(2) === 1 }, d);
  return g.batchNorm(all, d);
}

export function residual(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const outputs = channelsOf(x);
  const spec: WindowSpec = { outputs, taps: filled(rank, 3), pads: filled(2 * rank, 1) };
  const first = g.elementwise('Relu', [convBn(g, x, spec, d)]);
  const second = convBn(g, first, spec, d);
  const shortcut = d.below(2) === 1 ? convBn(g, x, { outputs, taps: filled(rank, 1) }, d) : x;
  return g.elementwise('Relu', [g.elementwise('Add', [second, shortcut])]);
}

/** BatchNorm before the convolution, with or without padding and a ReLU between. */
export function preActivation(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const normal = g.batchNorm(x, d);
  const below = d.below(2) === 1 ? g.elementwise('Relu', [normal]) : normal;
  const k = d.pick([1, 3]);
  const pads = filled(2 * rank, d.pick([0, (k - 1) / 2]));
  return g.conv(below, { outputs: d.pick([2, 4]), taps: filled(rank, k), pads, bias: d.below(2) === 1 }, d);
}

/** 1x1 convolutions and larger ones on top of each other, with what exporters put between. */
export function chain(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  let y = x;
  for (let i = 0; i < 2 + d.below(2); i++) {
    const k = d.pick([1, 1, 3, 2]);
    const spec: WindowSpec = {
      outputs: d.pick([2, 4, channelsOf(y), 1]),
      taps: filled(rank, k),
      pads: filled(2 * rank, d.pick([0, 0, (k - 1) >> 1])),
      strides: filled(rank, d.pick([1, 1, 2])),
      bias: d.below(2) === 1,
    };
    y = g.conv(y, spec, d);
    if (d.rarely(3)) y = g.batchNorm(y, d);
  }
  return y;
}

/** Inception's mean and 1x1, DenseNet's 1x1 and mean, depthwise pairs. */
export function pools(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const outputs = d.pick([2, 4]);
  const mean = (y: Val): Val => averagePool(g, y, d);
  if (d.below(2) === 0) return g.conv(mean(x), { outputs, taps: filled(rank, 1), bias: d.below(2) === 1 }, d);
  return mean(g.conv(x, { outputs, taps: filled(rank, 1), bias: d.below(2) === 1 }, d));
}

export function averagePool(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const k = d.pick([2, 3, 1]);
  const stride = d.pick([1, 2, 2]);
  const pad = d.pick([0, 0, (k - 1) >> 1]);
  const ceil = d.rarely(4) ? 1 : 0;
  const include = d.below(2);
  const auto = d.rarely(6) && k >= stride;
  const spatial = spatialOf(x).map((n) => {
    if (auto) return Math.ceil(n / stride);
    const steps = (n + 2 * pad - k) / stride;
    const outputs = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    return ceil && (outputs - 1) * stride >= n + pad ? outputs - 1 : outputs;
  });
  const small = spatialOf(x).some((n) => n + 2 * pad < k);
  if (small || spatial.some((n) => n < 1) || (ceil === 1 && g.setting.opset < 10)) return x;
  const where = auto ? 'auto_pad="SAME_UPPER"' : `pads=[${filled(2 * rank, pad).join()}]${ceil ? ', ceil_mode=1' : ''}`;
  const attrs = `kernel_shape=[${filled(rank, k).join()}], strides=[${filled(rank, stride).join()}], ${where}, count_include_pad=${include}`;
  return g.node('AveragePool', attrs, x.name, [...x.shape.slice(0, 2), ...spatial]);
}

/** A transposed convolution with a BatchNorm, a 1x1 above or below, or a twin. */
export function transposed(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const channels = channelsOf(x);
  const groups = groupsOf(d, channels);
  const rows = d.pick([1, 2]);
  const stride = d.pick([2, 1]);
  const k = d.pick([2, 3]);
  const pad = d.pick([0, 1]);
  const up = (y: Val, pads = pad): Val => {
    const shape = spatialOf(y).map((n) => (n - 1) * stride + k - 2 * pads);
    if (shape.some((n) => n < 1)) return y;
    const w = g.constant([channels, rows, ...filled(rank, k)], d);
    const b = d.below(2) === 1 ? `, ${g.constant([rows * groups], d)}` : '';
    const attrs = `strides=[${filled(rank, stride).join()}], pads=[${filled(2 * rank, pads).join()}], group=${groups}`;
    return g.node('ConvTranspose', attrs, `${y.name}, ${w}${b}`, [y.shape[0] ?? 1, rows * groups, ...shape]);
  };
  switch (d.below(6)) {
    case 0:
      return g.batchNorm(up(x), d);
    case 1:
      return g.conv(up(x), { outputs: 2, taps: filled(rank, 1), bias: d.below(2) === 1 }, d);
    case 2:
      return up(g.conv(x, { outputs: channels, taps: filled(rank, 1), bias: d.below(2) === 1 }, d));
    case 3:
      return g.elementwise('Add', [up(x), up(x)]);
    case 4:
      return channels === rows * groups ? up(up(x)) : up(x);
    default:
      return g.conv(up(x), { outputs: 2, taps: filled(rank, 3), pads: filled(2 * rank, 1) }, d);
  }
}

/**
 * A product on the last axis with a BatchNormalization of its features, turned to axis 1 and back; or of what only
 * looks like them.
 */
export function tokenNorm(g: Draft, x: Val, d: Draw): Val {
  const width = x.shape.at(-1) ?? 1;
  const rows = x.shape.slice(0, -1);
  const outputs = d.pick([2, 4]);
  const shape = [...rows, outputs];
  const product = g.node('MatMul', '', `${x.name}, ${g.constant([width, outputs], d)}`, shape);
  const made = d.rarely(2) ? g.node('Add', '', `${product.name}, ${g.constant([outputs], d)}`, shape) : product;
  if (d.below(2) === 0) {
    const last = rows.length;
    const inner = rows.slice(1).map((_, i) => i + 1);
    const turned = g.node('Transpose', `perm=[${[0, last, ...inner].join()}]`, made.name, [
      rows[0] ?? 1,
      outputs,
      ...rows.slice(1),
    ]);
    const back = [0, ...inner.map((i) => i + 1), 1];
    return g.node('Transpose', `perm=[${back.join()}]`, g.batchNorm(turned, d).name, shape);
  }
  const count = rows.reduce((a, b) => a * b, 1);
  const flat = d.rarely(3) ? [outputs, count] : [count, outputs];
  const normal = g.batchNorm(g.node('Reshape', '', `${made.name}, ${g.ints(flat)}`, flat), d);
  return g.node('Reshape', '', `${normal.name}, ${g.ints(shape)}`, shape);
}
