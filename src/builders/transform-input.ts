import { CnnxError } from '../base/errors.js';
import type { Value } from '../graph/ir.js';
import type { Scope } from './scope.js';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/** Turns input normalised by ImageNet's mean and deviation into input normalised by 0.5 and 0.5, which the ported Google weights expect. */
export function transformInput(g: Scope, x: Value): Value {
  if (g.channels(x) !== 3)
    throw new CnnxError('builder/option', `transformInput is for 3 channels; inChannels is ${g.channels(x)}`, {
      at: { field: 'transformInput' },
    });
  const scale = STD.map((s) => s / 0.5);
  const shift = MEAN.map((m) => (m - 0.5) / 0.5);
  return g.affine(x, scale, shift, 'transform_input');
}
