import { CnnxError } from '../base/errors.js';
import type { Value } from '../graph/ir.js';
import {
  Add,
  BatchNormalization,
  BatchNormalization7,
  Conv,
  Div,
  Gemm,
  LayerNormalization,
  MatMul,
  ReduceMean1,
  Sqrt,
  Sub,
  Transpose,
} from '../ops/index.js';
import { distributionOf, type InitRule } from './distributions.js';
import { Ops, pair, type Window } from './ops.js';

export interface ConvOptions extends Window {
  /** Output channels. */
  readonly out: number;
  readonly groups?: number;
  readonly bias?: boolean;
  /** Where this layer's weights start otherwise than the family's. */
  readonly init?: InitRule | undefined;
}

export interface NormOptions {
  /** 1e-5 if absent. */
  readonly eps?: number | undefined;
  /** Where the scale starts; 1 if absent. */
  readonly gamma?: number | undefined;
}

export interface LinearOptions {
  readonly bias?: boolean;
  readonly init?: InitRule | undefined;
}

/** The layers that a network can have at one place. Entries of the state dict are made in the order of the calls. */
export class Layers extends Ops {
  /** One convolution, whatever the style makes of square ones. */
  convolution(x: Value, name: string | number, options: ConvOptions): Value {
    const { out, groups = 1, bias = false, init } = options;
    const { net } = this;
    const key = this.name(name);
    this.checkWindow(x, options, name);
    this.#checkGroups(this.channels(x), out, groups, key);
    const shape = [out, this.channels(x) / groups, ...pair(options.kernel)];
    const distribution = distributionOf(init ?? net.rules.conv, shape);
    const biasDistribution = distributionOf(net.rules.convBias, shape);
    const attrs = convAttrs(options);
    if (groups === 1 || net.style.form !== 'paths') {
      const w = net.param(`${key}.weight`, shape, 'conv.weight', distribution);
      const b = bias ? net.param(`${key}.bias`, [out], 'conv.bias', biasDistribution) : undefined;
      return net.node(Conv, { x, w, b }, { ...attrs, ...(groups > 1 && { group: groups }) }, key).out.y;
    }
    const path = (i: number, what: string): string => `${key}.paths.${i}.${what}`;
    const weights = net.splitParam(`${key}.weight`, shape, 'conv.weight', distribution, groups, (i) =>
      path(i, 'weight'),
    );
    const biases = bias
      ? net.splitParam(`${key}.bias`, [out], 'conv.bias', biasDistribution, groups, (i) => path(i, 'bias'))
      : undefined;
    const sizes = Array.from({ length: groups }, () => this.channels(x) / groups);
    const parts = this.split(x, sizes, `${name}.split`);
    const made = weights.map(
      (w, i) => net.node(Conv, { x: parts[i] ?? x, w, b: biases?.[i] }, attrs, `${key}.paths.${i}`).out.y,
    );
    return this.concat(made, name);
  }

  /** x: N,C or N,C,H,W. On running statistics. */
  batchNorm(x: Value, name: string | number, { eps = 1e-5, gamma = 1 }: NormOptions = {}): Value {
    const { net } = this;
    const key = this.name(name);
    const shape = [this.channels(x)];
    const at = (value: number) => ({ kind: 'constant', value }) as const;
    const scale = net.param(`${key}.weight`, shape, 'norm.weight', at(gamma));
    const bias = net.param(`${key}.bias`, shape, 'norm.bias', at(0));
    const mean = net.param(`${key}.running_mean`, shape, 'norm.running_mean', at(0));
    const variance = net.param(`${key}.running_var`, shape, 'norm.running_var', at(1));
    net.absentParam(`${key}.num_batches_tracked`, [], 'norm.num_batches_tracked');
    const inputs = { x, scale, bias, mean, variance };
    return net.opset >= 14
      ? net.node(BatchNormalization, inputs, { epsilon: eps }, key).out.y
      : net.node(BatchNormalization7, inputs, { epsilon: eps }, key).out.y;
  }

  /** x: N, features. */
  linear(x: Value, name: string | number, out: number, { bias = true, init }: LinearOptions = {}): Value {
    const { net } = this;
    const key = this.name(name);
    const shape = [out, this.channels(x)];
    const w = net.param(`${key}.weight`, shape, 'linear.weight', distributionOf(init ?? net.rules.linear, shape));
    const b = bias
      ? net.param(`${key}.bias`, [out], 'linear.bias', distributionOf(net.rules.linearBias, shape))
      : undefined;
    return net.node(Gemm, { a: x, b: w, c: b }, { transB: 1 }, key).out.y;
  }

  /** A linear layer on the last axis of x, whatever stands before it. */
  pointwise(x: Value, name: string | number, out: number): Value {
    const { net } = this;
    const key = this.name(name);
    const input = this.extent(x, this.shape(x).length - 1);
    const shape = [out, input];
    const w = net.param(`${key}.weight`, shape, 'linear.weight', distributionOf(net.rules.linear, shape));
    const b = net.param(`${key}.bias`, [out], 'linear.bias', distributionOf(net.rules.linearBias, shape));
    const turned = net.node(Transpose, { x: w }, { perm: [1, 0] }, `${key}.turned`).out.y;
    return net.node(Add, { a: net.node(MatMul, { a: x, b: turned }, {}, `${key}.product`).out.y, b }, {}, key).out.y;
  }

  /** Over the last axis. One node from opset 17 on, its parts below. */
  layerNorm(x: Value, name: string | number, eps: number): Value {
    const { net } = this;
    const key = this.name(name);
    const shape = [this.extent(x, this.shape(x).length - 1)];
    const at = (value: number) => ({ kind: 'constant', value }) as const;
    const scale = net.param(`${key}.weight`, shape, 'norm.weight', at(1));
    const bias = net.param(`${key}.bias`, shape, 'norm.bias', at(0));
    if (net.opset >= 17) return net.node(LayerNormalization, { x, scale, bias }, { axis: -1, epsilon: eps }, key).out.y;
    const mean = (y: Value, what: string): Value =>
      net.node(ReduceMean1, { x: y }, { axes: [-1] }, `${key}.${what}`).out.y;
    const centred = net.node(Sub, { a: x, b: mean(x, 'mean') }, {}, `${key}.centred`).out.y;
    const variance = mean(this.mul(centred, centred, `${name}.squared`), 'variance');
    const shifted = this.add(variance, this.scalar(eps), `${name}.shifted`);
    const deviation = net.node(Sqrt, { x: shifted }, {}, `${key}.deviation`).out.y;
    const normal = net.node(Div, { a: centred, b: deviation }, {}, `${key}.normal`).out.y;
    return this.add(this.mul(normal, scale, `${name}.scaled`), bias, name);
  }

  /** A learned factor. */
  layerScale(shape: readonly number[], name: string, start: number): Value {
    return this.net.param(this.name(name), shape, 'layer_scale', { kind: 'constant', value: start });
  }

  #checkGroups(input: number, output: number, groups: number, key: string): void {
    if (input % groups === 0 && output % groups === 0) return;
    const common = Array.from({ length: Math.min(input, output) }, (_, i) => i + 1).filter(
      (n) => input % n === 0 && output % n === 0,
    );
    throw new CnnxError(
      'builder/groups',
      `${input} input and ${output} output channels do not divide into ${groups} groups`,
      {
        at: { node: key },
        hint: `numbers of groups that divide both: ${common.length > 12 ? [...common.slice(0, 11), '...', common.at(-1)].join(', ') : common.join(', ')}`,
      },
    );
  }
}

function convAttrs(o: ConvOptions) {
  const pad = pair(o.pad ?? 0);
  return {
    kernel_shape: pair(o.kernel),
    strides: pair(o.stride ?? 1),
    pads: [...pad, ...pad],
    dilations: pair(o.dilation ?? 1),
  };
}
