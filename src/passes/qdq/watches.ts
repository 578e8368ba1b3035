import type { Node, Value } from '../../graph/ir.js';
import { isTensorType, staticShape } from '../../graph/types.js';
import { Conv, Gemm } from '../../ops/index.js';
import { type TapAxis, type Watch, type Window, windowKey } from '../../running/observe.js';
import type { Placement } from './units.js';

/** What has to be known of a float model's values to quantise its units: ranges, and of inputs of layers with weights what each tap sees. */
export function watchesFor(placement: Placement): readonly Watch[] {
  const watches = new Map<string, Watch>();
  const need = (value: Value, more: Partial<Watch> = {}): void => {
    watches.set(value.name, { value: value.name, ...watches.get(value.name), ...more });
  };
  for (const unit of placement.units) {
    for (const value of unit.inputs) need(value);
    for (const value of unit.outputs) need(value);
  }
  for (const unit of placement.units) {
    const [source] = unit.inputs;
    const window = unit.kind === 'weighted' ? windowOf(unit.node) : undefined;
    if (!source || !window) continue;
    const known = watches.get(source.name)?.windows ?? [];
    const isKnown = known.some((w) => windowKey(w) === windowKey(window));
    need(source, { windows: isKnown ? known : [...known, window], power: true });
  }
  return [...watches.values()];
}

/** The window of a layer over its input; undefined where sizes are not known, or for more than two spatial axes. */
export function windowOf(node: Node): Window | undefined {
  if (node.is(Gemm)) return [];
  if (!node.is(Conv)) return undefined;
  const input = staticShape(node.in.x.type)?.slice(2);
  const output = staticShape(node.out.y.type)?.slice(2);
  const weight = isTensorType(node.in.w.type) ? staticShape(node.in.w.type)?.slice(2) : undefined;
  if (!input || !output || !weight || input.length > 2) return undefined;
  const { attr } = node;
  return input.map((size, i): TapAxis => {
    const taps = weight[i] ?? 1;
    const stride = attr.strides?.[i] ?? 1;
    const dilation = attr.dilations?.[i] ?? 1;
    const positions = output[i] ?? 0;
    return {
      size,
      taps,
      stride,
      dilation,
      positions,
      begin: paddingBefore(attr, i, { size, taps, stride, dilation, positions }),
    };
  });
}

function paddingBefore(
  attr: { readonly auto_pad: string; readonly pads: readonly number[] | undefined },
  axis: number,
  { size, taps, stride, dilation, positions }: Omit<TapAxis, 'begin'>,
): number {
  if (attr.auto_pad === 'NOTSET') return attr.pads?.[axis] ?? 0;
  if (attr.auto_pad === 'VALID') return 0;
  const all = Math.max(0, (positions - 1) * stride + (taps - 1) * dilation + 1 - size);
  return attr.auto_pad === 'SAME_LOWER' ? Math.ceil(all / 2) : Math.floor(all / 2);
}

/** Larger values would take more time and memory than the weights that they are for. */
const MOST_CHANNELS = 256;

/** Inputs of ungrouped layers of which covariances of channels are worth their cost. */
export function covarianceWatches(placement: Placement): readonly Watch[] {
  const watches = new Map<string, Watch>();
  for (const { kind, node, inputs } of placement.units) {
    const [source] = inputs;
    const shape = staticShape(source?.type);
    const whole = !node.is(Conv) || node.attr.group === 1;
    if (kind === 'weighted' && whole && source && shape?.[0] === 1 && (shape[1] ?? 0) <= MOST_CHANNELS)
      watches.set(source.name, { value: source.name, covariance: true });
  }
  return [...watches.values()];
}
