import type { Lift } from '../lift.js';
import { liftBatchNorm } from './batch-norm.js';
import { liftScatterND } from './border.js';
import { liftConcat } from './concat.js';
import { liftConv, liftConvTranspose } from './conv.js';
import { liftAdd, liftDiv, liftMean, liftMul, liftNeg, liftSub, liftSum } from './elementwise.js';
import { liftReshape, liftTranspose } from './last-axis.js';
import { liftGemm, liftMatMul } from './linear.js';
import { liftPad, liftSlice } from './pad.js';
import { liftAveragePool } from './pool.js';
import { liftSplit } from './split.js';
import { liftStackMean, liftStackSum } from './stack.js';

/** Every lift, sorted by operator. */
export const LIFTS: readonly Lift[] = [
  liftAdd,
  liftAveragePool,
  liftBatchNorm,
  liftConcat,
  liftConv,
  liftConvTranspose,
  liftDiv,
  liftGemm,
  liftMatMul,
  liftMean,
  liftMul,
  liftNeg,
  liftPad,
  liftStackMean,
  liftStackSum,
  liftReshape,
  liftScatterND,
  liftSlice,
  liftSplit,
  liftSub,
  liftSum,
  liftTranspose,
];
