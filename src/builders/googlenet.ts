import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { family, flag } from './family.js';
import { transformInput } from './transform-input.js';
import type { ConvOptions, Scope } from './scope.js';

/**
 * Output channels of the inception blocks: 1x1 | 1x1 reduce, 3x3 | 1x1 reduce, 5x5 | pool, 1x1. arXiv:1409.4842 table 1.
 */
const BLOCKS = {
  '3a': [64, 96, 128, 16, 32, 32],
  '3b': [128, 128, 192, 32, 96, 64],
  '4a': [192, 96, 208, 16, 48, 64],
  '4b': [160, 112, 224, 24, 64, 64],
  '4c': [128, 128, 256, 24, 64, 64],
  '4d': [112, 144, 288, 32, 64, 64],
  '4e': [256, 160, 320, 32, 128, 128],
  '5a': [256, 160, 320, 32, 128, 128],
  '5b': [384, 192, 384, 48, 128, 128],
} as const;

type BlockName = keyof typeof BLOCKS;

/** What the paper's network and torchvision's differ in. */
interface Form {
  /** Convolution, normalisation or bias, and ReLU, under `g`. */
  readonly conv: (g: Scope, x: Value, options: ConvOptions) => Value;
  /** Side of the "5x5" branch's kernel. */
  readonly large: 3 | 5;
  readonly lastPool: 2 | 3;
  /** To 4 x 4 at 224 pixels. */
  readonly auxPool: (g: Scope, x: Value) => Value;
}

const torchvision: Form = {
  conv: (g, x, options) => g.relu(g.convBn(x, 'conv', 'bn', { ...options, eps: 1e-3 })),
  large: 3,
  lastPool: 2,
  auxPool: (g, x) => g.adaptiveAvgPool(x, 4, 'pool'),
};

const plain: Form = {
  conv: (g, x, options) => g.relu(g.conv(x, 'conv', { ...options, bias: true })),
  large: 5,
  lastPool: 3,
  auxPool: (g, x) => g.avgPool(x, { kernel: 5, stride: 3 }, 'pool'),
};

function inception(g: Scope, x: Value, name: BlockName, { conv, large }: Form): Value {
  const [one, reduce3, three, reduce5, five, pool] = BLOCKS[name];
  const block = g.at(`inception${name}`);
  const [second, third, fourth] = [block.at('branch2'), block.at('branch3'), block.at('branch4')];
  const a = conv(block.at('branch1'), x, { out: one, kernel: 1 });
  const b = conv(second.at(0), x, { out: reduce3, kernel: 1 });
  const c = conv(second.at(1), b, { out: three, kernel: 3, pad: 1 });
  const d = conv(third.at(0), x, { out: reduce5, kernel: 1 });
  const e = conv(third.at(1), d, { out: five, kernel: large, pad: (large - 1) / 2 });
  const f = fourth.maxPool(x, { kernel: 3, stride: 1, pad: 1 }, 0);
  return block.concat([a, c, e, conv(fourth.at(1), f, { out: pool, kernel: 1 })]);
}

function auxHead(g: Scope, x: Value, form: Form, classes: number): Value {
  const y = g.flatten(form.conv(g.at('conv'), form.auxPool(g, x), { out: 128, kernel: 1 }));
  return g.linear(g.relu(g.linear(y, 'fc1', 1024)), 'fc2', classes);
}

/** Nine inception blocks, and two auxiliary heads that look at 4a and 4d. */
export const googlenets = family({
  name: 'googlenet',
  config: {
    /** The paper's: biases for BatchNormalization, real 5x5 convolutions, strided average pools in the auxiliary heads. */
    plain: flag,
    aux: v.optional(v.boolean(), true),
    transformInput: flag,
  },
  build(g, x, c) {
    const form = c.plain ? plain : torchvision;
    const pool = (y: Value, name: string, kernel = 3): Value => g.maxPool(y, { kernel, stride: 2, ceil: true }, name);
    const blocks = (y: Value, ...names: BlockName[]): Value =>
      names.reduce((z, name) => inception(g, z, name, form), y);
    let y = c.transformInput ? transformInput(g, x) : x;
    y = pool(form.conv(g.at('conv1'), y, { out: 64, kernel: 7, stride: 2, pad: 3 }), 'maxpool1');
    y = form.conv(g.at('conv2'), y, { out: 64, kernel: 1 });
    y = pool(form.conv(g.at('conv3'), y, { out: 192, kernel: 3, pad: 1 }), 'maxpool2');
    const a = blocks(pool(blocks(y, '3a', '3b'), 'maxpool3'), '4a');
    const d = blocks(a, '4b', '4c', '4d');
    y = blocks(pool(blocks(d, '4e'), 'maxpool4', form.lastPool), '5a', '5b');
    const aux = c.aux && {
      aux1: auxHead(g.at('aux1'), a, form, c.numClasses),
      aux2: auxHead(g.at('aux2'), d, form, c.numClasses),
    };
    return { logits: g.linear(g.flatten(g.globalAvgPool(y)), 'fc', c.numClasses), ...aux };
  },
});
