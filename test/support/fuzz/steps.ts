import * as blocks from './blocks.js';
import * as moves from './moves.js';
import { looped, scanned, sharedBranches } from './bodies.js';
import { oddity } from './oddities.js';
import { channelsOf, type Draft, type Draw, filled, list, rankOf, spatialOf, type Val } from './draft.js';

/* Single operators, and what stands around the blocks: subgraphs, matrix products, values that others need too. */

/** A convolution with any attributes. */
function anyConv(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const groups = d.pick([1, 1, channelsOf(x)]);
  const taps = filled(rank, 1).map(() => d.pick([1, 3, 2, 3]));
  const strides = filled(rank, d.pick([1, 1, 2, 3]));
  const auto = d.pick(['NOTSET', 'NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']);
  return g.conv(
    x,
    {
      outputs: groups * d.pick([1, 2, 1]),
      taps,
      strides,
      // onnxruntime knows no SAME with dilations.
      dilations: filled(rank, auto.startsWith('SAME') ? 1 : d.pick([1, 1, 2])),
      pads: filled(2 * rank, 0).map(() => d.pick([0, 1, 0, 2])),
      groups,
      bias: d.below(2) === 1,
      auto,
    },
    d,
  );
}

/** A constant operand: one number, one for each channel, or something that only looks like it. */
function operand(g: Draft, x: Val, d: Draw): { readonly text: string; readonly shape: readonly number[] } {
  const rank = rankOf(x);
  const ones = filled(rank, 1);
  const width = x.shape.at(-1) ?? 1;
  const shapes: [number[], ...number[][]] = [
    [channelsOf(x), ...ones],
    [],
    [1, channelsOf(x), ...ones],
    [1],
    [1, 1, ...ones],
    [width],
    [1, 1, ...spatialOf(x)],
    [...x.shape],
    [1, 1, 1, ...ones],
  ];
  const shape = d.pick(shapes);
  return { text: g.constant(shape, d), shape };
}

function scaled(g: Draft, x: Val, d: Draw): Val {
  const op = d.pick(['Mul', 'Add', 'Div', 'Sub']);
  const { text, shape } = operand(g, x, d);
  const higher = shape.length > x.shape.length;
  const swapped = op !== 'Div' && d.rarely(4);
  const made = g.node(op, '', swapped ? `${text}, ${x.name}` : `${x.name}, ${text}`, x.shape);
  return higher ? g.node('Reshape', '', `${made.name}, ${g.ints(x.shape)}`, x.shape) : made;
}

/** Two values of one shape, if there are; otherwise twice the same. */
function summed(g: Draft, x: Val, d: Draw): Val {
  const alike = g.values.filter((v) => v.shape.join() === x.shape.join());
  const op = d.pick(['Add', 'Sum', 'Sub', 'Mean', 'Mul']);
  const other = alike[d.below(alike.length)] ?? x;
  return g.elementwise(op, [x, other]);
}

/** Two windows that may not align: strides, dilations, offsets and sizes of their own. */
function unlike(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const stride = d.pick([1, 2]);
  const outputs = d.pick([2, channelsOf(x)]);
  const one = (): Val => {
    const k = d.pick([3, 1, 5, 2]);
    const dilation = d.pick([1, 1, 2, 3]);
    const begin = d.pick([0, 1, 2, 3]);
    const end = (k - 1) * dilation - begin;
    const pads = [...filled(rank, begin), ...filled(rank, Math.max(0, end + d.pick([0, 0, -1, 1])))];
    const auto = d.pick(['NOTSET', 'NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER']);
    const dilations = filled(rank, auto === 'NOTSET' ? dilation : 1);
    const strides = filled(rank, d.rarely(8) ? 3 - stride : stride);
    return g.conv(x, { outputs, taps: filled(rank, k), strides, dilations, pads, auto, bias: d.below(2) === 1 }, d);
  };
  const [a, b] = [one(), one()];
  if (a.shape.join() === b.shape.join()) return g.elementwise('Add', [a, b]);
  const broadcasts = a.shape.every((n, i) => n === b.shape[i] || b.shape[i] === 1);
  return broadcasts ? g.node('Add', '', `${a.name}, ${b.name}`, a.shape) : g.concat([a]);
}

function padded(g: Draft, x: Val, d: Draw): Val {
  const rank = rankOf(x);
  const mode = d.pick(['constant', 'constant', 'constant', 'edge', 'reflect']);
  const amount = (): number => d.pick([1, 0, 2, mode === 'constant' ? -1 : 0]);
  const begin = [0, mode === 'constant' && d.rarely(10) ? 1 : 0, ...filled(rank, 0).map(amount)];
  const end = [0, 0, ...filled(rank, 0).map(amount)];
  const value = mode === 'constant' ? d.pick([0, 0, 0.5]) : 0;
  if (x.shape.some((n, i) => n < 4 && (begin[i] ?? 0) + (end[i] ?? 0) !== 0 && i > 1)) return x;
  return g.pad(x, begin, end, mode, value);
}

function sliced(g: Draft, x: Val, d: Draw): Val {
  const axis = d.pick([2, 1, x.shape.length - 1, 2, 0]);
  const length = x.shape[axis] ?? 1;
  if (length < 3) return x;
  const start = d.pick([0, 1]);
  const end = d.pick([length, -1, length - 1, 2 ** 31 - 1]);
  if (g.setting.opset >= 10 && d.rarely(8)) {
    const shape = x.shape.map((n, i) => (i === axis ? Math.ceil((n - start) / 2) : n));
    const range = [[start], [2 ** 31 - 1], [axis], [2]].map((v) => g.ints(v)).join(', ');
    return g.node('Slice', '', `${x.name}, ${range}`, shape);
  }
  return g.slice(x, [axis], [start], [end]);
}

function activated(g: Draft, x: Val, d: Draw): Val {
  return g.elementwise(d.pick(['Relu', 'Neg', 'Sigmoid', 'Identity', 'Tanh']), [x]);
}

function maxPooled(g: Draft, x: Val): Val {
  const rank = rankOf(x);
  if (spatialOf(x).some((n) => n < 2)) return x;
  const shape = [...x.shape.slice(0, 2), ...spatialOf(x).map((n) => n - 1)];
  return g.node('MaxPool', `kernel_shape=${list(filled(rank, 2))}`, x.name, shape);
}

/** An If that reads the last value in one branch, and sometimes computes linear things inside. */
function branching(g: Draft, x: Val, d: Draw): Val {
  const c = channelsOf(x);
  const inside = d.below(2) === 1;
  const [w, name] = [g.fresh('w'), g.fresh('b')];
  const ones = filled(rankOf(x), 1);
  const type = g.setting.dtype;
  // A weight of a subgraph may not be listed among the model's inputs.
  const body =
    inside && g.setting.ir >= 4
      ? `a${name} = Conv(${x.name}, ${w}: ${type}${list([c, c, ...ones])})\n ${name} = Mul(a${name}, s${w}: ${type}${list([c, ...ones])})`
      : `${name} = Neg(${x.name})`;
  const other = g.fresh('b');
  return g.node(
    'If',
    `then_branch={then () -> (${name})\n ${body} }, else_branch={else () -> (${other})\n ${other} = Relu(${x.name}) }`,
    'flag',
    x.shape,
  );
}

/** The rest of the network is on matrices: products with transposes, BatchNorm, sums. */
function head(g: Draft, x: Val, d: Draw): Val {
  const [n = 1, ...rest] = x.shape;
  let y = g.node('Flatten', '', x.name, [n, rest.reduce((a, b) => a * b, 1)]);
  for (let i = 0; i < 1 + d.below(3); i++) {
    const inputs = y.shape[1] ?? 1;
    const outputs = 2 + d.below(3);
    const shape = [n, outputs];
    if (d.below(3) === 2) {
      const product = g.node('MatMul', '', `${y.name}, ${g.constant([inputs, outputs], d)}`, shape);
      y =
        d.below(2) === 0
          ? product
          : g.node(
              'Add',
              '',
              `${product.name}, ${g.constant(d.pick([[outputs], [1, outputs], [], [n, outputs]]), d)}`,
              shape,
            );
    } else {
      const b = d.below(2);
      const c = g.constant(d.pick([[outputs], [], [1, outputs], [n, outputs], [n, 1]]), d);
      const scale = d.pick(['', ', alpha=0.5', ', beta=2.0', ', alpha=0.5, beta=0.5', ', beta=0.0']);
      const w = g.constant(b === 1 ? [outputs, inputs] : [inputs, outputs], d);
      const square = n === inputs && d.below(2) === 1 ? ', transA=1' : '';
      y = g.node('Gemm', `transB=${b}${scale}${square}`, `${y.name}, ${w}, ${c}`, shape);
    }
    const then = d.below(6);
    if (then === 1) y = g.batchNorm(y, d);
    if (then === 2) y = g.elementwise('Relu', [y]);
    if (then === 3) y = g.node('Mul', '', `${y.name}, ${g.constant([outputs], d)}`, shape);
    if (then === 4)
      y = g.elementwise('Add', [
        y,
        g.node(
          'Gemm',
          'transB=1',
          `${y.name}, ${g.constant([outputs, outputs], d)}, ${g.constant([outputs], d)}`,
          shape,
        ),
      ]);
  }
  // Back to an image, so that any step may follow.
  const image = [n, y.shape[1] ?? 1, ...filled(rankOf(x), 1)];
  return g.node('Reshape', '', `${y.name}, ${g.ints(image)}`, image);
}

/** Products on the last axis of a value of any rank, with what goes between. */
function sequence(g: Draft, x: Val, d: Draw): Val {
  let y = x;
  for (let i = 0; i < 1 + d.below(3); i++) {
    const [last, outputs] = [y.shape.at(-1) ?? 1, d.pick([3, 2, 5])];
    const shape = [...y.shape.slice(0, -1), outputs];
    const [p, q] = [0, 0].map(() => g.node('MatMul', '', `${y.name}, ${g.constant([last, outputs], d)}`, shape));
    if (!p || !q) return y;
    y = d.below(3) === 2 ? g.elementwise('Add', [p, q]) : p;
    const c = g.constant(d.pick([[outputs], [], [1, outputs], [1, 1, outputs], [...shape]]), d);
    const op = d.pick(['Add', 'Mul', 'Div', 'Sub', 'Identity']);
    if (op !== 'Identity') y = g.node(op, '', `${y.name}, ${c}`, shape);
  }
  return y;
}

/** The value is also an output of the graph. */
function shown(g: Draft, x: Val): Val {
  g.outputs.push(x.name);
  return x;
}

function normalised(g: Draft, x: Val, d: Draw): Val {
  if (g.setting.opset < 9 && d.rarely(4)) {
    const params = filled(4, 0).map(() => g.constant([channelsOf(x)]));
    g.lines.push(`${g.fresh('odd')} = BatchNormalization<spatial=0>(${x.name}, ${params.join(', ')})`);
  }
  if (g.setting.opset < 15 || !d.rarely(8)) return g.batchNorm(x, d);
  const c = [channelsOf(x)];
  const params = filled(4, 0).map(() => g.constant(c));
  const [y, mean, variance] = [g.fresh('t'), g.fresh('t'), g.fresh('t')];
  g.lines.push(`${y}, ${mean}, ${variance} = BatchNormalization<training_mode=1>(${x.name}, ${params.join(', ')})`);
  return { name: y, shape: x.shape };
}

function concatenated(g: Draft, x: Val, d: Draw): Val {
  const alike = g.values.filter(
    (v) => v.shape.length === x.shape.length && v.shape.every((n, i) => i === 1 || n === x.shape[i]),
  );
  const other = alike[d.below(alike.length)] ?? x;
  return channelsOf(x) + channelsOf(other) > 12 ? g.elementwise('Neg', [x]) : g.concat([x, other]);
}

type Step = (g: Draft, x: Val, d: Draw) => Val;

/** Every step, as often as it should come; the simplest first. */
export const STEPS: readonly [Step, ...Step[]] = [
  anyConv,
  normalised,
  scaled,
  activated,
  summed,
  (g, x, d) => g.batchNorm(anyConv(g, x, d), d),
  unlike,
  padded,
  sliced,
  maxPooled,
  shown,
  branching,
  concatenated,
  head,
  sequence,
  unlike,
  sharedBranches,
  sharedBranches,
  looped,
  looped,
  scanned,
  scanned,
  blocks.acnet,
  blocks.acnet,
  blocks.acnetCrop,
  blocks.dilatedReparam,
  blocks.averagePool,
  blocks.branchesConcat,
  blocks.chain,
  blocks.chain,
  blocks.dbb,
  blocks.dbb,
  blocks.mobileOne,
  blocks.pools,
  blocks.preActivation,
  blocks.repvgg,
  blocks.repvgg,
  blocks.residual,
  blocks.splitTransformMerge,
  blocks.splitTransformMerge,
  blocks.tokenNorm,
  blocks.transposed,
  moves.affineChain,
  moves.channelOrder,
  moves.doubled,
  moves.focus,
  moves.focus,
  moves.movedDown,
  moves.movedDown,
  moves.movedDown,
  moves.movedUp,
  moves.movedUp,
  moves.movedUp,
  moves.movedUp,
  moves.movedUpParts,
  moves.paddingMode,
  moves.paddingMode,
  moves.sharedPad,
  moves.turnedProduct,
  ...Array.from({ length: 12 }, () => oddity),
];
