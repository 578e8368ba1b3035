import type { Rule } from '../rule.js';
import { castChain } from './cast-chain.js';
import { clampInRange } from './clamp-in-range.js';
import { clipChain } from './clip-chain.js';
import { concatChain } from './concat-chain.js';
import { concatOfSplit } from './concat-of-split.js';
import { constantNode } from './constant-node.js';
import { dropout } from './dropout.js';
import { foldCast } from './fold-cast.js';
import { foldTranspose } from './fold-transpose.js';
import { foldView } from './fold-view.js';
import { gatherOfTranspose } from './gather-of-transpose.js';
import { identity } from './identity.js';
import { matmulAdd } from './matmul-add.js';
import { neutralOperand } from './neutral-operand.js';
import { normAboveView } from './norm-above-view.js';
import { normOfConstant } from './norm-of-constant.js';
import { padChain } from './pad-chain.js';
import { padIntoAveragePool } from './pad-into-average-pool.js';
import { padIntoConv } from './pad-into-conv.js';
import { padIntoMaxPool } from './pad-into-max-pool.js';
import { reshapeOfTranspose } from './reshape-of-transpose.js';
import { sameShapeView } from './same-shape-view.js';
import { sameTypeCast } from './same-type-cast.js';
import { singleInput } from './single-input.js';
import { transposeChain } from './transpose-chain.js';
import { transposeOfReshape } from './transpose-of-reshape.js';
import { unitPool } from './unit-pool.js';
import { unitResize } from './unit-resize.js';
import { unitSlope } from './unit-slope.js';
import { unitTile } from './unit-tile.js';
import { viewChain } from './view-chain.js';
import { wholeGather } from './whole-gather.js';
import { wholeSlice } from './whole-slice.js';
import { zeroPad } from './zero-pad.js';

/** Every rule, sorted by name. */
export const RULES: readonly Rule[] = [
  castChain,
  clampInRange,
  clipChain,
  concatChain,
  concatOfSplit,
  constantNode,
  dropout,
  foldCast,
  foldTranspose,
  foldView,
  gatherOfTranspose,
  identity,
  matmulAdd,
  neutralOperand,
  normAboveView,
  normOfConstant,
  padChain,
  padIntoAveragePool,
  padIntoConv,
  padIntoMaxPool,
  reshapeOfTranspose,
  sameShapeView,
  sameTypeCast,
  singleInput,
  transposeChain,
  transposeOfReshape,
  unitPool,
  unitResize,
  unitSlope,
  unitTile,
  viewChain,
  wholeGather,
  wholeSlice,
  zeroPad,
];
