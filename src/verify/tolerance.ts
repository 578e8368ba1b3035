import { type Attr, graphsOf } from '../graph/attr.js';
import type { Graph, Model } from '../graph/ir.js';
import { type DType, dtypeOfCode } from '../tensor/dtype.js';
import type { Distance } from './statistics.js';

/**
 * The noise of a correct rewrite was measured on four torchvision networks: 1.0 to 1.2 times the reference's own floor (optimiser off against
 * on) between frameworks, 1.1 to 1.3 between CPU and GPU; the smallest faults that matter start at about 100 times. Ten lies between.
 */
const HEADROOM = 10;

/** What the type of the numbers allows, whatever the floor says. */
interface Precision {
  /** RMS-relative error that is never a fault: a shallow network's floor can be exactly 0, and a merged rounding is not a fault. */
  readonly least: number;
  /** RMS-relative error that is always a fault: beyond it the floor itself is no evidence of anything. */
  readonly most: number;
  /** The noise of the largest element, relative to it, that is there even when the floor is 0: some units in the last place. */
  readonly unit: number;
}

const SINGLE: Precision = { least: 1e-5, most: 1e-3, unit: 1e-6 };
/** Two to four units in the last place of 11 bits. */
const HALF: Precision = { least: 2e-3, most: 2e-2, unit: 5e-4 };
/** The same of 8 bits. */
const BFLOAT: Precision = { least: 1.6e-2, most: 1e-1, unit: 4e-3 };

/** One unit in the last place of 3 bits, for outputs that are stored so; the numbers on the way to them are judged by their own types. */
const STORED_AS_FLOAT8: Precision = { least: 0.12, most: 0.3, unit: 2.5e-2 };

/** How precise one output can be, where its own type is the limit. */
export const precisionOfStored = (dtype: DType | undefined): Precision | undefined =>
  dtype?.startsWith('float8') || dtype?.startsWith('float4') ? STORED_AS_FLOAT8 : undefined;

/** How precise a comparison can be, by the least precise floating-point type that the models compute in. */
export function precisionOf(models: readonly Model[]): Precision {
  const types = new Set(models.flatMap((m) => [...floatTypes(m)]));
  return types.has('bfloat16') ? BFLOAT : types.has('float16') ? HALF : SINGLE;
}

function floatTypes(model: Model): Set<DType> {
  const types = new Set<DType>();
  const pending: Graph[] = [model.graph, ...model.functions.map((f) => f.body)];
  for (let graph = pending.pop(); graph; graph = pending.pop()) {
    for (const value of graph.values.values()) {
      if (value.initializer) types.add(value.initializer.dtype);
      if (value.type?.kind === 'tensor') types.add(value.type.dtype);
    }
    for (const node of graph.nodes()) {
      for (const attr of node.attrs.values()) {
        for (const sub of graphsOf(attr)) pending.push(sub);
        const dtype = typeNamed(attr);
        if (dtype) types.add(dtype);
      }
    }
  }
  return types;
}

/** The element type that an attribute holds or names: a constant's, or a cast's target. */
function typeNamed(attr: Attr): DType | undefined {
  if (attr.kind === 'tensor') return attr.value.dtype;
  return attr.kind === 'int' && (attr.name === 'to' || attr.name === 'dtype')
    ? dtypeOfCode(Number(attr.value))
    : undefined;
}

export interface Tolerance {
  readonly rmsRelative: number;
  readonly maxAbs: number;
}

/** What is allowed beside a floor: DESIGN's rule, clamp(10 x floor, least, most), and 10 x the floor's largest difference. */
export const toleranceFor = (floor: Distance, precision: Precision): Tolerance => ({
  rmsRelative: Math.min(Math.max(HEADROOM * floor.rmsRelative, precision.least), precision.most),
  maxAbs: HEADROOM * Math.max(floor.maxAbs, precision.unit * floor.maxReference),
});

/** How many elements of an integer, boolean or string output may differ: none, unless the reference differs from itself. */
export const allowedUnequal = (floor: Distance): number => HEADROOM * floor.unequal;
export { HEADROOM, type Precision };
