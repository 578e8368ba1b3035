import { type Built, buildArchitecture, findVariant } from '../builders/index.js';
import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import type { StateDict } from '../formats/state-dict.js';
import { constantTensor, type Model, type Node, type Value } from '../graph/ir.js';
import { batchNorm, Conv, Gemm } from '../ops/index.js';
import { float32Tensor, int64Tensor, type Tensor } from '../tensor/tensor.js';

/**
 * How a fused network goes back to PyTorch. `deploy`: each convolution has the bias that its BatchNorm was merged into, and there is no BatchNorm.
 * `torchvision`: the entries of the ordinary network, whose BatchNorms do nothing but add that bias, so that they load with strict=True.
 */
export type StateDictForm = 'deploy' | 'torchvision';

/** What a merged block's name ends in, under the path of the convolution that it stands for (ACNet's authors' names, the article's). */
const BLOCK_PARTS = new Set(['square_conv', 'ver_conv', 'hor_conv', 'conv', 'ac1', 'ac2']);

/** A convolution or linear layer of the ordinary network, by its state-dict path, and the BatchNorm directly on it. */
interface Layer {
  readonly path: string;
  readonly hasBias: boolean;
  readonly norm: { readonly path: string; readonly epsilon: number } | undefined;
}

/**
 * The state dict of a network that `cnnx build` made and `cnnx fuse` merged, under the names of the ordinary network; which that is, the
 * model's metadata says. Throws `weights/deploy` when there is no such metadata, or the model is not that network with every block merged.
 */
export function deployedStateDict(model: Model, form: StateDictForm): StateDict {
  const plain = ordinaryNetwork(model);
  const parts = new Parts(model, layersOf(plain));
  const tensors = new Map<string, Tensor>();
  for (const path of new Set(plain.stateDict.map((p) => modulePath(p.name)))) {
    for (const [leaf, t] of parts.at(path, form)) tensors.set(`${path}${leaf}`, t);
  }
  for (const { name, shape } of plain.stateDict) {
    const t = tensors.get(name) ?? parts.initializer(name);
    if (t) tensors.set(name, t);
    if (form === 'torchvision' && !t) throw problem(`nothing in it stands for ${printable(name)}`);
    if (t && t.shape.join() !== shape.join()) {
      throw problem(`${printable(name)} is [${t.shape.join(', ')}] in it; [${shape.join(', ')}] was expected`);
    }
  }
  return { format: 'onnx', tensors, metadata: new Map([['format', 'pt']]) };
}

/** `layer1.0.conv1.` of `layer1.0.conv1.weight`. */
const modulePath = (name: string): string => name.slice(0, name.lastIndexOf('.') + 1);

/** The network as it would be built without asymmetric blocks. */
function ordinaryNetwork(model: Model): Built {
  const metadata = new Map(model.metadata.map(({ key, value }) => [key, value]));
  const name = metadata.get('cnnx.architecture');
  if (name !== undefined) {
    const variant = findVariant(name);
    // The article's networks have their blocks in the card, not in a style.
    const unaveraged = Object.hasOwn(variant.config, 'averaged') ? { averaged: false } : {};
    return buildArchitecture(variant, { config: { ...configOf(metadata.get('cnnx.config') ?? '{}'), ...unaveraged } });
  }
  throw problem(
    'its metadata does not say which architecture it is, as cnnx build writes it',
    'without --state-dict the tensors keep the names that they have',
  );
}

function configOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(text) as object));
  } catch {
    throw problem(`its metadata has options that are not JSON: ${printable(text)}`);
  }
}

function layersOf({ model }: Built): readonly Layer[] {
  const layers: Layer[] = [];
  for (const node of model.graph.nodes()) {
    const linear = linearOf(node);
    if (!linear) continue;
    const [user] = linear.y.uses.keys();
    const norm = user && linear.y.uses.size === 1 ? batchNorm(user) : undefined;
    const after = norm && { path: `${user?.name ?? ''}.`, epsilon: norm.epsilon };
    layers.push({ path: `${node.name ?? ''}.`, hasBias: linear.bias !== undefined, norm: after });
  }
  return layers;
}

interface Linear {
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly y: Value;
}

function linearOf(node: Node): Linear | undefined {
  if (node.is(Conv)) return { weight: node.in.w, bias: node.in.b, y: node.out.y };
  if (!node.is(Gemm)) return undefined;
  const { transA, transB, alpha, beta } = node.attr;
  const plain = transA === 0 && transB === 1 && alpha === 1 && beta === 1;
  return plain ? { weight: node.in.b, bias: node.in.c, y: node.out.y } : undefined;
}

/** What a merged model has, by the module paths of the ordinary network. */
class Parts {
  readonly #layers = new Map<string, Layer>();
  readonly #merged = new Map<string, Linear>();
  /** Layers by the BatchNorm on them, where that was merged. */
  readonly #absorbed = new Map<string, Layer>();
  /** Standing BatchNorms: their tensors by leaf. */
  readonly #norms = new Map<string, ReadonlyMap<string, Tensor>>();

  constructor(
    private readonly model: Model,
    layers: readonly Layer[],
  ) {
    for (const layer of layers) this.#layers.set(layer.path, layer);
    for (const node of model.graph.nodes()) this.#collect(node);
    for (const layer of layers) {
      if (!this.#merged.has(layer.path)) throw problem(`it has no layer ${printable(layer.path.slice(0, -1))}`);
      if (layer.norm && !this.#norms.has(layer.norm.path)) this.#absorbed.set(layer.norm.path, layer);
    }
  }

  #collect(node: Node): void {
    const norm = batchNorm(node);
    if (norm) {
      const leaves = { weight: norm.scale, bias: norm.bias, running_mean: norm.mean, running_var: norm.variance };
      const tensors = Object.entries(leaves).map(([leaf, value]) => [leaf, constantOf(value)] as const);
      this.#norms.set(`${node.name ?? ''}.`, new Map([...tensors, ['num_batches_tracked', int64Tensor([], [0])]]));
    }
    const linear = linearOf(node);
    const path = linear && this.#pathOf(node.name ?? '');
    if (!linear || path === undefined) return;
    if (this.#merged.has(path)) {
      throw problem(
        `several convolutions stand for ${printable(path.slice(0, -1))}`,
        'merge them first: cnnx fuse MODEL',
      );
    }
    this.#merged.set(path, linear);
  }

  /** The ordinary network's path for a node: its own name, or that of the block which it is left of. */
  #pathOf(name: string): string | undefined {
    const cut = name.lastIndexOf('.');
    const block = BLOCK_PARTS.has(name.slice(cut + 1)) ? name.slice(0, cut) : name;
    return [name, block].map((n) => `${n}.`).find((path) => this.#layers.has(path));
  }

  /** The entries of one module, by leaf. */
  at(path: string, form: StateDictForm): ReadonlyMap<string, Tensor> {
    const layer = this.#layers.get(path);
    const linear = this.#merged.get(path);
    if (layer && linear) return this.#layerAt(layer, linear, form);
    const absorbed = this.#absorbed.get(path);
    if (absorbed) return form === 'deploy' ? new Map() : this.#quietNorm(absorbed);
    return this.#norms.get(path) ?? new Map();
  }

  #layerAt(layer: Layer, linear: Linear, form: StateDictForm): ReadonlyMap<string, Tensor> {
    const weight = constantOf(linear.weight);
    const bias = linear.bias && constantOf(linear.bias);
    const absorbed = layer.norm !== undefined && this.#absorbed.has(layer.norm.path);
    if (form === 'torchvision' && !absorbed && bias && !layer.hasBias) {
      throw problem(
        `${printable(layer.path.slice(0, -1))} has a bias, for which the ordinary network has no place`,
        '--state-dict deploy writes it as a bias of the convolution',
      );
    }
    const own = absorbed && form === 'torchvision' ? undefined : bias;
    const wanted = layer.hasBias || (absorbed && form === 'deploy');
    return new Map([['weight', weight], ...(wanted || own ? [['bias', own ?? filled(weight, 0)] as const] : [])]);
  }

  /** A BatchNorm that adds the merged bias and does nothing else: (x - 0) / sqrt(1 + eps) * sqrt(1 + eps) + bias. */
  #quietNorm(layer: Layer): ReadonlyMap<string, Tensor> {
    const linear = this.#merged.get(layer.path);
    if (!linear || !layer.norm) throw new Error('bug: a BatchNorm was absorbed by no layer');
    const weight = constantOf(linear.weight);
    return new Map([
      ['weight', filled(weight, Math.sqrt(1 + layer.norm.epsilon))],
      ['bias', linear.bias ? constantOf(linear.bias) : filled(weight, 0)],
      ['running_mean', filled(weight, 0)],
      ['running_var', filled(weight, 1)],
      ['num_batches_tracked', int64Tensor([], [0])],
    ]);
  }

  /** For what is no part of a layer or norm (layer_scale). */
  initializer(name: string): Tensor | undefined {
    return constantTensor(this.model.graph.values.get(name));
  }
}

function constantOf(value: Value): Tensor {
  const t = constantTensor(value);
  if (t) return t;
  throw problem(`${printable(value.name)} is not a constant`, 'fold constants first: cnnx fuse MODEL');
}

/** One number for each output channel of a weight. */
const filled = (weight: Tensor, value: number): Tensor => {
  const channels = weight.shape[0] ?? 0;
  return float32Tensor([channels], new Float32Array(channels).fill(value));
};

const problem = (message: string, hint?: string): CnnxError =>
  new CnnxError('weights/deploy', `the model cannot be written as PyTorch's state dict: ${message}`, { hint });
