import * as v from 'valibot';
import type { Value } from '../graph/ir.js';
import { family, flag } from './family.js';
import type { Size2 } from './ops.js';
import type { Scope } from './scope.js';
import { transformInput } from './transform-input.js';

interface Unit {
  readonly out: number;
  readonly kernel: Size2;
  readonly stride?: number;
  readonly pad?: Size2;
}

const conv = (g: Scope, x: Value, name: string, unit: Unit): Value => {
  const at = g.at(name);
  return at.relu(at.convBn(x, 'conv', 'bn', { ...unit, eps: 1e-3 }));
};

const one = (out: number): Unit => ({ out, kernel: 1 });
const square = (out: number, kernel: number): Unit => ({ out, kernel, pad: (kernel - 1) / 2 });
const wide = (out: number, k: number): Unit => ({ out, kernel: [1, k], pad: [0, (k - 1) / 2] });
const tall = (out: number, k: number): Unit => ({ out, kernel: [k, 1], pad: [(k - 1) / 2, 0] });
const shrinking = (out: number): Unit => ({ out, kernel: 3, stride: 2 });

/** Convolutions one after the other, named `prefix`_1, _2, ... */
const chain = (g: Scope, x: Value, prefix: string, ...units: Unit[]): Value =>
  units.reduce((y, unit, i) => conv(g, y, `${prefix}_${i + 1}`, unit), x);

/** A 3x3 average that counts its padding, and a 1x1 convolution. */
const averaged = (g: Scope, x: Value, out: number): Value =>
  conv(g, g.avgPool(x, { kernel: 3, stride: 1, pad: 1 }), 'branch_pool', one(out));

const strided = (g: Scope, x: Value): Value => g.maxPool(x, { kernel: 3, stride: 2 });

/** 35 x 35: 1x1, 5x5, two 3x3, pool. arXiv:1512.00567 fig. 5. */
function blockA(g: Scope, x: Value, pool: number): Value {
  const a = conv(g, x, 'branch1x1', one(64));
  const b = chain(g, x, 'branch5x5', one(48), square(64, 5));
  const c = chain(g, x, 'branch3x3dbl', one(64), square(96, 3), square(96, 3));
  return g.concat([a, b, c, averaged(g, x, pool)]);
}

/** 35 x 35 to 17 x 17. */
function blockB(g: Scope, x: Value): Value {
  const a = conv(g, x, 'branch3x3', shrinking(384));
  const b = chain(g, x, 'branch3x3dbl', one(64), square(96, 3), shrinking(96));
  return g.concat([a, b, strided(g, x)]);
}

/** 17 x 17: 7x7 convolutions in factors. Fig. 6. */
function blockC(g: Scope, x: Value, c7: number): Value {
  const a = conv(g, x, 'branch1x1', one(192));
  const b = chain(g, x, 'branch7x7', one(c7), wide(c7, 7), tall(192, 7));
  const c = chain(g, x, 'branch7x7dbl', one(c7), tall(c7, 7), wide(c7, 7), tall(c7, 7), wide(192, 7));
  return g.concat([a, b, c, averaged(g, x, 192)]);
}

/** 17 x 17 to 8 x 8. */
function blockD(g: Scope, x: Value): Value {
  const a = chain(g, x, 'branch3x3', one(192), shrinking(320));
  const b = chain(g, x, 'branch7x7x3', one(192), wide(192, 7), tall(192, 7), shrinking(192));
  return g.concat([a, b, strided(g, x)]);
}

/** 8 x 8: 1x3 and 3x1 side by side. Fig. 7. */
function blockE(g: Scope, x: Value): Value {
  const beside = (y: Value, prefix: string): Value =>
    g.concat([conv(g, y, `${prefix}a`, wide(384, 3)), conv(g, y, `${prefix}b`, tall(384, 3))], `${prefix}_concat`);
  const a = conv(g, x, 'branch1x1', one(320));
  const b = beside(conv(g, x, 'branch3x3_1', one(384)), 'branch3x3_2');
  const c = beside(chain(g, x, 'branch3x3dbl', one(448), square(384, 3)), 'branch3x3dbl_3');
  return g.concat([a, b, c, averaged(g, x, 192)]);
}

function auxHead(g: Scope, x: Value, classes: number): Value {
  const y = conv(g, g.avgPool(x, { kernel: 5, stride: 3 }), 'conv0', one(128));
  const z = g.globalAvgPool(conv(g, y, 'conv1', { out: 768, kernel: 5 }));
  const init = { rule: 'truncated-normal', std: 0.001, low: -2, high: 2 } as const;
  return g.linear(g.flatten(z), 'fc', classes, { init });
}

/** Inception v3 with torchvision's names. arXiv:1512.00567. */
export const inceptions = family({
  name: 'inception',
  config: { aux: v.optional(v.boolean(), true), transformInput: flag },
  build(g, x, c) {
    let y = c.transformInput ? transformInput(g, x) : x;
    y = conv(g, y, 'Conv2d_1a_3x3', shrinking(32));
    y = conv(g, y, 'Conv2d_2a_3x3', { out: 32, kernel: 3 });
    y = conv(g, y, 'Conv2d_2b_3x3', square(64, 3));
    y = g.maxPool(y, { kernel: 3, stride: 2 }, 'maxpool1');
    y = conv(g, y, 'Conv2d_3b_1x1', one(80));
    y = conv(g, y, 'Conv2d_4a_3x3', { out: 192, kernel: 3 });
    y = g.maxPool(y, { kernel: 3, stride: 2 }, 'maxpool2');
    y = blockA(g.at('Mixed_5b'), y, 32);
    y = blockA(g.at('Mixed_5c'), y, 64);
    y = blockA(g.at('Mixed_5d'), y, 64);
    y = blockB(g.at('Mixed_6a'), y);
    for (const [name, c7] of Object.entries({ Mixed_6b: 128, Mixed_6c: 160, Mixed_6d: 160, Mixed_6e: 192 }))
      y = blockC(g.at(name), y, c7);
    const aux = c.aux && { aux: auxHead(g.at('AuxLogits'), y, c.numClasses) };
    y = blockD(g.at('Mixed_7a'), y);
    y = blockE(g.at('Mixed_7b'), y);
    y = blockE(g.at('Mixed_7c'), y);
    return { logits: g.linear(g.flatten(g.globalAvgPool(y)), 'fc', c.numClasses), ...aux };
  },
});
