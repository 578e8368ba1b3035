import { CnnxError } from '../base/errors.js';
import { nearest, printable } from '../base/text.js';
import type { ActivationType } from '../passes/qdq/params.js';

export interface TargetTraits {
  readonly activations: ActivationType;
  /** Whether this machine's CPU can tell how fast the result is. */
  readonly measured: boolean;
}

/** What runs quantised models: onnxruntime's CPU provider, others that read the same form, and those that have no integer kernels. */
const TARGETS = {
  cpu: { activations: 'uint8', measured: true },
  tensorrt: { activations: 'int8', measured: false },
  openvino: { activations: 'uint8', measured: false },
  qnn: { activations: 'uint8', measured: false },
  web: { activations: 'uint8', measured: false },
} as const satisfies Record<string, TargetTraits>;

export type Target = keyof typeof TARGETS;

export const TARGET_NAMES = Object.keys(TARGETS);

const REFUSED: ReadonlyMap<string, string> = new Map([
  [
    'cuda',
    'its provider has no integer convolution, and computes quantised models in float with more kernels than before',
  ],
  ['webgpu', 'its provider has no kernel for QuantizeLinear'],
  ['coreml', 'its provider reads no QuantizeLinear'],
]);

export const targetOf = (target: Target): TargetTraits => TARGETS[target];

/** A target by its name. Throws `quantize/target` for one that gains nothing from int8, or that there is not. */
export function parseTarget(name: string): Target {
  const known = (Object.keys(TARGETS) as Target[]).find((t) => t === name);
  if (known) return known;
  const why = REFUSED.get(name);
  if (why !== undefined)
    throw new CnnxError('quantize/target', `int8 gains nothing on ${name}: ${why}`, {
      hint: 'use float16 there: cnnx convert MODEL --float16 -o OUT',
    });
  const [like] = nearest(name, TARGET_NAMES);
  throw new CnnxError('quantize/target', `there is no target named ${printable(name)}`, {
    hint: like === undefined ? `one of ${TARGET_NAMES.join(', ')}` : `did you mean ${like}?`,
  });
}
