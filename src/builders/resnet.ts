import * as v from 'valibot';
import { CnnxError } from '../base/errors.js';
import type { Value } from '../graph/ir.js';
import { count, family, flag } from './family.js';
import type { Scope } from './scope.js';

interface BlockOptions {
  readonly planes: number;
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  readonly widthPerGroup: number;
  /** Where the scale of the block's last BatchNormalization starts. */
  readonly lastGamma: number;
}

interface Block {
  /** Output channels over planes. */
  readonly expansion: number;
  build(g: Scope, x: Value, options: BlockOptions): Value;
}

/** The input, or a 1x1 convolution of it where the block changes its shape. */
function shortcut(g: Scope, x: Value, out: number, stride: number): Value {
  if (stride === 1 && g.channels(x) === out) return x;
  return g.at('downsample').convBn(x, 0, 1, { out, kernel: 1, stride });
}

/** Two 3x3 convolutions, the first with the stride. arXiv:1512.03385 fig. 5, left. */
const basic: Block = {
  expansion: 1,
  build(g, x, { planes, stride, dilation, groups, widthPerGroup, lastGamma }) {
    if (groups !== 1 || widthPerGroup !== 64)
      throw new CnnxError(
        'builder/option',
        `a basic block takes groups 1 and widthPerGroup 64 only; found ${groups} and ${widthPerGroup}`,
        {
          at: { node: g.path },
          hint: 'use a variant with bottleneck blocks, such as resnet50',
        },
      );
    if (dilation > 1)
      throw new CnnxError('builder/option', `a basic block cannot be dilated; found dilation ${dilation}`, {
        at: { node: g.path },
        hint: 'use a variant with bottleneck blocks, such as resnet50',
      });
    const y = g.relu(g.convBn(x, 'conv1', 'bn1', { out: planes, kernel: 3, stride, pad: 1 }));
    const z = g.convBn(y, 'conv2', 'bn2', { out: planes, kernel: 3, pad: 1, gamma: lastGamma });
    return g.relu(g.add(z, shortcut(g, x, planes, stride)));
  },
};

/** 1x1 reduce, 3x3 (carries the stride, as torchvision has it), 1x1 expand. arXiv:1512.03385 fig. 5, right; groups: arXiv:1611.05431. */
const bottleneck: Block = {
  expansion: 4,
  build(g, x, { planes, stride, dilation, groups, widthPerGroup, lastGamma }) {
    const width = Math.floor((planes * widthPerGroup) / 64) * groups;
    const out = planes * 4;
    let y = g.relu(g.convBn(x, 'conv1', 'bn1', { out: width, kernel: 1 }));
    y = g.relu(g.convBn(y, 'conv2', 'bn2', { out: width, kernel: 3, stride, pad: dilation, dilation, groups }));
    y = g.convBn(y, 'conv3', 'bn3', { out, kernel: 1, gamma: lastGamma });
    return g.relu(g.add(y, shortcut(g, x, out, stride)));
  },
};

const BLOCKS = { basic, bottleneck };

export const resnets = family({
  name: 'resnet',
  config: {
    block: v.picklist(['basic', 'bottleneck']),
    /** Blocks in each of the four stages. */
    layers: v.tuple([count, count, count, count]),
    groups: v.optional(count, 1),
    widthPerGroup: v.optional(count, 64),
    zeroInitResidual: flag,
    /** Whether stages 2, 3 and 4 dilate in the place of their stride. */
    replaceStrideWithDilation: v.optional(v.tuple([v.boolean(), v.boolean(), v.boolean()]), [false, false, false]),
  },
  build(g, x, c) {
    const block = BLOCKS[c.block];
    let y = g.relu(g.convBn(x, 'conv1', 'bn1', { out: 64, kernel: 7, stride: 2, pad: 3 }));
    y = g.maxPool(y, { kernel: 3, stride: 2, pad: 1 }, 'maxpool');
    let dilation = 1;
    c.layers.forEach((depth, stage) => {
      const previous = dilation;
      const dilate = stage > 0 && c.replaceStrideWithDilation[stage - 1] === true;
      const stride = stage === 0 || dilate ? 1 : 2;
      if (dilate) dilation *= 2;
      const layer = g.at(`layer${stage + 1}`);
      const shared = {
        planes: 64 * 2 ** stage,
        groups: c.groups,
        widthPerGroup: c.widthPerGroup,
        lastGamma: c.zeroInitResidual ? 0 : 1,
      };
      for (let i = 0; i < depth; i++) {
        const first = i === 0;
        y = block.build(layer.at(i), y, {
          ...shared,
          stride: first ? stride : 1,
          dilation: first ? previous : dilation,
        });
      }
    });
    return { logits: g.linear(g.flatten(g.globalAvgPool(y)), 'fc', c.numClasses) };
  },
});
