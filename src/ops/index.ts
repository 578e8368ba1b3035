import { type AnyOpDef, isOpDef } from '../graph/op-def.js';
import { OpRegistry } from '../graph/op-registry.js';
import * as activation from './activation.js';
import * as constants from './constants.js';
import * as controlFlow from './control-flow.js';
import * as conversion from './conversion.js';
import * as convolution from './convolution.js';
import * as elementwise from './elementwise.js';
import * as indexing from './indexing.js';
import * as linear from './linear.js';
import * as logic from './logic.js';
import * as math from './math.js';
import * as microsoft from './microsoft.js';
import * as normalization from './normalization.js';
import * as pooling from './pooling.js';
import * as quantization from './quantization.js';
import * as rearrangement from './rearrangement.js';
import * as recurrent from './recurrent.js';
import * as reduction from './reduction.js';
import * as resize from './resize.js';
import * as sequence from './sequence.js';
import * as shape from './shape.js';
import * as slicing from './slicing.js';
import * as tensorMaking from './tensor-making.js';

export * from './accessors.js';
export * from './activation.js';
export * from './constants.js';
export * from './control-flow.js';
export * from './conversion.js';
export * from './convolution.js';
export * from './elementwise.js';
export * from './indexing.js';
export * from './linear.js';
export * from './logic.js';
export * from './math.js';
export * from './microsoft.js';
export * from './normalization.js';
export * from './pooling.js';
export * from './quantization.js';
export * from './rearrangement.js';
export * from './recurrent.js';
export * from './reduction.js';
export * from './resize.js';
export * from './sequence.js';
export * from './shape.js';
export * from './slicing.js';
export * from './tensor-making.js';
export { typesAt } from './type-history.js';

/** A new file of operators is one line here, one import and one export above. */
const AREAS: readonly object[] = [
  activation,
  constants,
  controlFlow,
  conversion,
  convolution,
  elementwise,
  indexing,
  linear,
  logic,
  math,
  microsoft,
  normalization,
  pooling,
  quantization,
  rearrangement,
  recurrent,
  reduction,
  resize,
  sequence,
  shape,
  slicing,
  tensorMaking,
];

function byName(a: AnyOpDef, b: AnyOpDef): number {
  const [left, right] = [a.name.toLowerCase(), b.name.toLowerCase()];
  if (left === right) return (b.since[0] ?? 1) - (a.since[0] ?? 1);
  return left < right ? -1 : 1;
}

/** Every declared signature, sorted by name, the newest of a name first: all that the areas export. */
export const OPS: readonly AnyOpDef[] = AREAS.flatMap((area) => Object.values(area))
  .filter(isOpDef)
  .sort(byName);

/** The declared operators of ONNX and of onnxruntime's own domain, by domain, name and version. */
export const registry = new OpRegistry(OPS);
