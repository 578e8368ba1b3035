import type { Lift } from '../lift.js';
import { liftBatchNorm } from './batch-norm.js';
import { liftScatterND } from './border.js';
import { liftConcat } from './concat.js';
import { liftConv, liftConvTranspose } from './conv.js';
import { liftAdd, liftDiv, liftMean, liftMul, liftNeg, liftSub, liftSum } from './elementwise.js';
import { liftGemm, liftMatMul } from './linear.js';
import { liftPad } from './pad.js';
import { liftAveragePool } from './pool.js';
import { liftGather, liftSlice } from './slice.js';
import { liftSpaceToDepth } from './space-to-depth.js';
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
  liftGather,
  liftGemm,
  liftMatMul,
  liftMean,
  liftMul,
  liftNeg,
  liftPad,
  liftStackMean,
  liftStackSum,
  liftScatterND,
  liftSlice,
  liftSpaceToDepth,
  liftSplit,
  liftSub,
  liftSum,
];
