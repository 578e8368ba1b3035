import * as v from 'valibot';
import { CnnxError } from '../base/errors.js';
import type { Value } from '../graph/ir.js';
import { count, family } from './family.js';
import { checkSpace, quantisedStages, SPACES, type Stage, WIDTH_ROUNDINGS } from './regnet-widths.js';
import { roundEven } from './rounding.js';
import type { Scope } from './scope.js';
import { squeezeExcite } from './squeeze-excite.js';

interface Body {
  readonly stages: readonly Stage[];
  readonly strides: readonly number[];
  readonly stemWidth: number;
  readonly seRatio?: number | undefined;
  readonly numClasses: number;
}

/** 1x1, grouped 3x3 with the stride, squeeze and excitation, 1x1; plus the shortcut. */
function block(g: Scope, x: Value, stage: Stage, stride: number, seRatio: number | undefined): Value {
  const { width, groupWidth, bottleneckRatio } = stage;
  const inner = Math.max(1, roundEven(width / bottleneckRatio));
  if (inner % groupWidth !== 0)
    throw new CnnxError(
      'builder/groups',
      `groups of ${groupWidth} channels do not divide the inner width ${inner} (width ${width} over bottleneck ratio ${bottleneckRatio})`,
      {
        at: { node: g.path },
        hint: `inner widths that work: ${Math.max(1, Math.floor(inner / groupWidth)) * groupWidth}, ${Math.ceil(inner / groupWidth) * groupWidth}`,
      },
    );
  const proj = g.at('proj');
  const f = g.at('f');
  const [a, b, c] = [f.at('a'), f.at('b'), f.at('c')];
  const input = g.channels(x);
  const same = stride === 1 && input === width;
  const shortcut = same ? x : proj.convBn(x, 0, 1, { out: width, kernel: 1, stride });
  let y = a.relu(a.convBn(x, 0, 1, { out: inner, kernel: 1 }), 2);
  y = b.relu(b.convBn(y, 0, 1, { out: inner, kernel: 3, stride, pad: 1, groups: inner / groupWidth }), 2);
  if (seRatio !== undefined) y = squeezeExcite(f.at('se'), y, Math.max(1, roundEven(seRatio * input)));
  y = c.convBn(y, 0, 1, { out: width, kernel: 1 });
  return g.relu(g.add(shortcut, y), 'activation');
}

function body(
  g: Scope,
  x: Value,
  { stages, strides, stemWidth, seRatio, numClasses }: Body,
): { readonly logits: Value } {
  const stem = g.at('stem');
  let y = stem.relu(stem.convBn(x, 0, 1, { out: stemWidth, kernel: 3, stride: 2, pad: 1 }), 2);
  stages.forEach((stage, i) => {
    const at = g.at('trunk_output').at(`block${i + 1}`);
    for (let j = 0; j < stage.depth; j++)
      y = block(at.at(`block${i + 1}-${j}`), y, stage, j === 0 ? (strides[i] ?? 2) : 1, seRatio);
  });
  return { logits: g.linear(g.flatten(g.globalAvgPool(y)), 'fc', numClasses) };
}

const ratio = v.pipe(v.number(), v.gtValue(0));
const shared = {
  stemWidth: v.optional(count, 32),
  /** Squeezed channels over the block's input channels; no squeeze and excitation if absent. */
  seRatio: v.optional(ratio),
  /** The design space that the network has to be in. */
  space: v.optional(v.picklist(SPACES)),
};

/** RegNet X and Y: stages from the quantised linear parameterisation. arXiv:2003.13678; torchvision's names. */
export const regnets = family({
  name: 'regnet',
  config: {
    ...shared,
    d: count,
    w0: count,
    wa: v.pipe(v.number(), v.minValue(0)),
    wm: v.pipe(v.number(), v.gtValue(1)),
    groupWidth: count,
    /** Block width over inner width, as in the paper (torchvision states its inverse). */
    bottleneckRatio: v.optional(ratio, 1),
    /** How widths become multiples of the group width. */
    widthRounding: v.optional(v.picklist(WIDTH_ROUNDINGS), 'torchvision'),
  },
  build(g, x, c) {
    const stages = quantisedStages(c);
    if (c.space) checkSpace(c.space, stages);
    return body(g, x, { ...c, stages, strides: [] });
  },
});

const perStage = v.pipe(v.array(count), v.minLength(1));

/** AnyNet: the same blocks, with everything said for each stage. */
export const anynets = family({
  name: 'anynet',
  config: {
    ...shared,
    widths: perStage,
    depths: perStage,
    groupWidths: perStage,
    /** Block width over inner width; 1 if absent. */
    bottleneckRatios: v.optional(v.array(ratio)),
    /** 2 if absent. */
    strides: v.optional(v.array(count)),
  },
  build(g, x, c) {
    const lists = {
      depths: c.depths,
      groupWidths: c.groupWidths,
      bottleneckRatios: c.bottleneckRatios,
      strides: c.strides,
    };
    for (const [field, list] of Object.entries(lists))
      if (list && list.length !== c.widths.length)
        throw new CnnxError(
          'builder/option',
          `${field} has ${list.length} entries; widths has ${c.widths.length} stages`,
          {
            at: { field },
          },
        );
    const stages = c.widths.map((width, i) => ({
      width,
      depth: c.depths[i] ?? 1,
      groupWidth: c.groupWidths[i] ?? 1,
      bottleneckRatio: c.bottleneckRatios?.[i] ?? 1,
    }));
    if (c.space) checkSpace(c.space, stages);
    return body(g, x, { ...c, stages, strides: c.strides ?? [] });
  },
});
