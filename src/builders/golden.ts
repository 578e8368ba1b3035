import * as v from 'valibot';
import { CnnxError } from '../base/errors.js';
import { elementCount } from '../tensor/dtype.js';
import type { Fill, Param } from './params.js';

/*
 * "Golden init v1": every tensor is a function of its state-dict key and shape, so that networks of different programs can be compared
 * without shipping weights. Element i is u(i) = fmix32(fnv1a32(name) + i * 0x9E3779B9) / 2^31 - 1, in [-1, 1), scaled and shifted by the
 * kind of parameter.
 */

const encoder = new TextEncoder();

function fnv1a32(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of encoder.encode(name)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** out[i] = offset + scale * u(from + i), computed in float64 and rounded once. */
export function goldenStream(out: Float32Array, name: string, offset: number, scale: number, from = 0): void {
  let state = (fnv1a32(name) + Math.imul(from, 0x9e3779b9)) | 0;
  for (let i = 0; i < out.length; i++) {
    let h = state;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    out[i] = offset + scale * ((h >>> 0) / 2147483648 - 1);
    state = (state + 0x9e3779b9) | 0;
  }
}

/** The fill for a network: `varScale` has the power of two that each running variance is multiplied by, where it is not 1. */
export function goldenFill(varScale: ReadonlyMap<string, number> = new Map()): Fill {
  return (out, param, from) => {
    const [offset, scale] = offsetAndScale(param, varScale);
    goldenStream(out, param.name, offset, scale, from);
  };
}

function offsetAndScale(
  { name, kind, shape }: Omit<Param, 'placements'>,
  varScale: ReadonlyMap<string, number>,
): readonly [number, number] {
  switch (kind) {
    case 'norm.running_var': {
      const c = varScale.get(name) ?? 1;
      return [c, 0.25 * c];
    }
    case 'layer_scale':
      return [0.5, 0.125];
    case 'norm.weight':
      return [1, 0.25];
    case 'conv.weight':
    case 'linear.weight':
      return [0, Math.sqrt(6 / elementCount(shape.slice(1)))];
    default:
      return [0, 0.05];
  }
}

const goldenFileSchema = v.looseObject({
  init: v.literal('golden init v1'),
  var_scale: v.record(v.string(), v.pipe(v.number(), v.gtValue(0))),
});

/** The `var_scale` of a golden file's JSON. Throws `builder/golden` when it is not one. */
export function goldenVarScale(json: unknown): ReadonlyMap<string, number> {
  const parsed = v.safeParse(goldenFileSchema, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new CnnxError('builder/golden', `not a golden file: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`, {
      hint: 'a golden file is JSON with "init": "golden init v1" and "var_scale": { "layer.running_var": number, ... }',
    });
  }
  return new Map(Object.entries(parsed.output.var_scale));
}
