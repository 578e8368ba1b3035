import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { Editor } from '../graph/edit.js';
import { Model, type Value } from '../graph/ir.js';
import { tensorType, typeText } from '../graph/types.js';
import type { Tensor } from '../tensor/tensor.js';
import { configure, type Preprocess, type Variant } from './card.js';
import { goldenFill } from './golden.js';
import { Network, type Style } from './network.js';
import { originalFill } from './original.js';
import { countParams, type Fill, type Param, rowsOf } from './params.js';
import { Scope } from './scope.js';

/** Where weights come from: the deterministic fill for comparisons, or the distributions of the networks' own code. */
export type Init =
  | { readonly kind: 'golden'; readonly varScale?: ReadonlyMap<string, number> | undefined }
  | { readonly kind: 'original'; readonly seed: number };

/** How a variant is built: its configuration, weights, batch and operator set. */
export interface BuildOptions extends Style {
  /** Options of the family, over those of the variant's row. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** A number, or the name of a batch size left open; 1 if absent. */
  readonly batch?: number | string | undefined;
  readonly opset?: number | undefined;
  /** `original` with seed 0 if absent. */
  readonly init?: Init | undefined;
}

/** A network: its graph and its state dict, whose entries stand in the order of the original's. */
export interface Built {
  readonly model: Model;
  readonly variant: Variant;
  /** As built: the row's, with the caller's options. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly stateDict: readonly Param[];
  /** Trainable parameters. */
  readonly params: number;
  readonly preprocess: Preprocess | undefined;
}

export const DEFAULT_OPSET = 17;
export const LOWEST_OPSET = 13;
/** The highest that the pinned onnxruntime loads without flags. */
export const HIGHEST_OPSET = 26;
const IR_VERSION = 8n;

/**
 * Builds a variant. Input `input` N,C,H,W; outputs `logits` and what else the network has. Weights are made when their bytes are asked for.
 * Throws `builder/option` for options that the family does not allow, `builder/shape` and `builder/groups` where a layer cannot be built.
 */
export function buildArchitecture(variant: Variant, options: BuildOptions = {}): Built {
  const config = configure(variant, options.config ?? {});
  try {
    return build(variant, config, options);
  } catch (error) {
    if (!(error instanceof CnnxError) || error.code !== 'builder/shape' || error.hint) throw error;
    throw new CnnxError(error.code, error.message, { at: error.at, hint: imageHint(variant, config, options) });
  }
}

function build(variant: Variant, config: Readonly<Record<string, unknown>>, options: BuildOptions): Built {
  const opset = options.opset ?? DEFAULT_OPSET;
  if (!Number.isInteger(opset) || opset < LOWEST_OPSET || opset > HIGHEST_OPSET)
    throw new CnnxError('builder/option', `opset ${opset}; ${LOWEST_OPSET} to ${HIGHEST_OPSET} can be built`, {
      at: { field: 'opset' },
    });
  const init = options.init ?? { kind: 'original', seed: 0 };
  const model = new Model();
  const editor = new Editor(model);
  const preprocess = preprocessFor(variant, Number(config['imageSize']));
  editor.setHeader({
    irVersion: IR_VERSION,
    producerName: 'cnnx',
    opsetImports: [{ domain: '', version: BigInt(opset) }],
    metadata: metadata(variant, init, preprocess, options.config),
  });
  editor.nameGraph(model.graph, variant.name);
  const net = new Network(editor, model.graph, variant.init, fillOf(init), options);
  const g = new Scope(net, '');
  const size = Number(config['imageSize']);
  const shape = [batchOf(options.batch), Number(config['inChannels']), size, size];
  const input = editor.addInput(model.graph, 'input', tensorType('float32', shape));
  const outputs = variant.card.family.build(g, input, config);
  const probas = config['softmax'] === true ? { probas: g.softmax(outputs.logits) } : {};
  for (const [name, value] of Object.entries<Value>({ ...outputs, ...probas })) {
    editor.rename(value, name);
    editor.addOutput(model.graph, value);
  }
  return { model, variant, config, stateDict: net.params, params: countParams(net.params), preprocess };
}

function batchOf(batch: number | string = 1): number | string {
  if (typeof batch === 'number' ? Number.isInteger(batch) && batch >= 1 : /^[A-Za-z_]\w*$/.test(batch)) return batch;
  throw new CnnxError(
    'builder/option',
    `batch ${printable(String(batch))}; a whole number from 1 on, or a name, was expected`,
    {
      at: { field: 'batch' },
    },
  );
}

function fillOf(init: Init): Fill {
  return init.kind === 'golden' ? goldenFill(init.varScale) : originalFill(init.seed);
}

/** The variant's, for an image of another size: the same share of the resized picture is cropped. */
function preprocessFor(variant: Variant, imageSize: number): Preprocess | undefined {
  const own = variant.preprocess;
  const size = own?.crop ?? (typeof own?.resize === 'number' ? own.resize : own?.resize[0]);
  if (!own || size === undefined || size === imageSize) return own;
  if (typeof own.resize !== 'number') return { ...own, resize: [imageSize, imageSize] };
  return { ...own, resize: Math.round((own.resize * imageSize) / size), ...(own.crop && { crop: imageSize }) };
}

function metadata(
  variant: Variant,
  init: Init,
  preprocess: Preprocess | undefined,
  config: Readonly<Record<string, unknown>> = {},
) {
  const entries = [
    { key: 'cnnx.architecture', value: variant.name },
    { key: 'cnnx.init', value: init.kind === 'golden' ? 'golden init v1' : `original, seed ${init.seed}` },
  ];
  if (Object.keys(config).length > 0) entries.push({ key: 'cnnx.config', value: JSON.stringify(config) });
  if (preprocess) entries.push({ key: 'cnnx.preprocess', value: JSON.stringify(preprocess) });
  return entries;
}

function imageHint(variant: Variant, config: Readonly<Record<string, unknown>>, options: BuildOptions): string {
  const size = smallestImage(variant, config, options);
  const bare = config['aux'] === true ? smallestImage(variant, { ...config, aux: false }, options) : undefined;
  const without = bare === undefined ? '' : `${bare} x ${bare} without auxiliary heads`;
  if (size === undefined)
    return without === '' ? 'reduce strides or kernels' : `image sizes that work: from ${without}`;
  return `image sizes that work: from ${size} x ${size}${without === '' ? '' : `, or ${without}`}`;
}

/** Larger images than this are not tried for the hint. */
const LARGEST_TRIED = 1024;

function smallestImage(
  variant: Variant,
  config: Readonly<Record<string, unknown>>,
  options: BuildOptions,
): number | undefined {
  const works = (imageSize: number): boolean => {
    try {
      build(variant, { ...config, imageSize }, options);
      return true;
    } catch (error) {
      if (error instanceof CnnxError) return false;
      throw error;
    }
  };
  let low = Number(config['imageSize']);
  let high = LARGEST_TRIED;
  if (low >= high || !works(high)) return undefined;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (works(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Puts trained tensors, by state-dict key, in the place of the drawn ones. They must have the parameters' shapes. */
export function setWeights(built: Built, tensors: ReadonlyMap<string, Tensor>): void {
  const editor = new Editor(built.model);
  for (const param of built.stateDict) {
    const given = tensors.get(param.name);
    if (!given) continue;
    if (given.shape.join() !== param.shape.join())
      throw new CnnxError(
        'builder/weights',
        `${printable(param.name)} has shape [${given.shape.join(', ')}]; [${param.shape.join(', ')}] was expected`,
      );
    for (const { value, from, rows } of param.placements)
      editor.setInitializer(value, rows === (param.shape[0] ?? 1) ? given : rowsOf(given, from, rows));
  }
}

/** What a network is, for reports. */
export function summaryOf(built: Built) {
  const { graph } = built.model;
  const port = (value: Value) => ({ name: value.name, type: typeText(value.type) });
  const [input] = graph.inputs;
  if (!input) throw new Error('bug: a network without an input');
  return {
    architecture: built.variant.name,
    family: built.variant.card.family.name,
    params: built.params,
    nodes: graph.nodeCount,
    input: port(input),
    outputs: graph.outputs.map(port),
    config: built.config,
  };
}
