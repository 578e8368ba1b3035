import type { ByteRange, Chunk } from '../../base/bytes.js';
import { type Attr, type Preserved, graphsOf, type SparseTensor } from '../../graph/attr.js';
import type { FunctionDef, Graph, Model, Node, Value, ValueInfo } from '../../graph/ir.js';
import type { Tensor } from '../../tensor/tensor.js';
import { attrMessage, sparseMessage } from './attrs.js';
import { encode, encodeField, encodeUnknown, ReverseWriter, type Shortcut } from './encode.js';
import { type Editable, type FieldTable, FUNCTION, GRAPH, MODEL, NODE } from './fields.js';
import { entries, type Message, preservedBy, preservedMessage, withFields } from './message.js';
import { type Field, type FieldsOf, type MessageName, messageType } from './schema.js';
import { tensorMessage } from './tensor.js';
import { infoMessage, isAsRead } from './types.js';

export interface WriteOptions {
  /** Makes every message anew from the IR, in canonical form, also those that nothing edited. */
  readonly reencode?: boolean | undefined;
  /** What is written in a tensor's place; the tensor itself for one that stays as it is. */
  readonly tensor?: ((t: Tensor) => Tensor) | undefined;
}

/**
 * An ONNX file, as pieces in order. What nothing edited is written byte for byte as it was read; everything else as the
 * official serializer writes it. Weights are passed on by reference.
 */
export function writeOnnx(model: Model, options: WriteOptions = {}): Chunk[] {
  const w = new ReverseWriter();
  new Writer(w, options).model(model);
  return w.finish();
}

/** A tensor as a file of its own (input_0.pb), under a name if one is given. */
export function tensorToProto(t: Tensor, name?: string): Chunk[] {
  const w = new ReverseWriter();
  encode(w, tensorMessage(t, name));
  return w.finish();
}

/** Writers of the fields that a table leaves to code. */
type Parts<P extends PropertyKey> = Readonly<Record<P, (field: Field) => void>>;

class Writer {
  readonly #keep: boolean;
  readonly #swap: ((t: Tensor) => Tensor) | undefined;
  readonly #shortcut: Shortcut = (m) => this.#fromSpan(m.span);

  constructor(
    readonly w: ReverseWriter,
    options: WriteOptions,
  ) {
    this.#keep = !options.reencode;
    this.#swap = options.tensor;
  }

  /** Writes the original bytes, if they stand for the thing still. */
  #fromSpan(span: ByteRange | undefined): boolean {
    if (!span || !this.#keep) return false;
    this.w.bytes(span);
    return true;
  }

  /** The same for things with tensors in them, which may be swapped. */
  #wholeFromSpan(span: ByteRange | undefined): boolean {
    return !this.#swap && this.#fromSpan(span);
  }

  /**
   * The fields of a message, from the last to the first: `write` those that the IR has, and what is preserved beside
   * them.
   */
  #fields(name: MessageName, preserved: Message | undefined, write: (field: Field) => void): void {
    encodeUnknown(this.w, preserved);
    const rest = preserved && entries(preserved).values;
    const { fields } = messageType(name);
    for (let i = fields.length - 1; i >= 0; i--) {
      const field = fields[i];
      if (!field) continue;
      // Written backwards, so what is preserved stands in front: of several attributes with one name the last counts.
      write(field);
      this.#field(field, rest?.[field.name]);
    }
  }

  #field(field: Field, value: unknown): void {
    if (value !== undefined) encodeField(this.w, field, value, this.#shortcut);
  }

  /** An editable thing, as its table says. */
  #message<N extends MessageName, T extends Editable, P extends keyof FieldsOf<N>>(
    thing: T,
    { message, held }: FieldTable<N, T, P>,
    parts: Parts<P>,
  ): void {
    const values = thing as Readonly<Record<string, unknown>>;
    const writers: Readonly<Record<string, ((field: Field) => void) | undefined>> = parts;
    this.#fields(message, preservedMessage(thing, message), (field) => {
      const from = held.get(field.name);
      if (from?.property === undefined) writers[field.name]?.(field);
      else if (from.message) this.#all(values[from.property] as readonly never[], from.message)(field);
      else this.#field(field, values[from.property]);
    });
  }

  #each<T>(items: readonly T[], write: (item: T) => void): (field: Field) => void {
    return (field) => {
      for (const item of items.toReversed()) {
        const mark = this.w.size;
        write(item);
        this.w.close(field.number, mark);
      }
    };
  }

  /** Immutable things: from their place in the file, or from their message. */
  #all<T extends { readonly preserved?: Preserved | undefined }>(items: readonly T[], toMessage: (item: T) => Message) {
    return this.#each(items, (item) => {
      if (!this.#fromSpan(preservedBy(item)?.span)) encode(this.w, toMessage(item), this.#shortcut);
    });
  }

  #infos(infos: readonly ValueInfo[]): (field: Field) => void {
    return this.#each(infos, (info) => {
      const span = isAsRead(info) ? preservedBy(info)?.span : undefined;
      if (!this.#fromSpan(span)) encode(this.w, infoMessage(info), this.#shortcut);
    });
  }

  model(model: Model): void {
    if (this.#wholeFromSpan(model.span)) return;
    this.#message(model, MODEL, {
      graph: this.#each([model.graph], (g) => this.#graph(g)),
      functions: this.#each(model.functions, (fn) => this.#function(fn)),
    });
  }

  #function(fn: FunctionDef): void {
    if (this.#wholeFromSpan(fn.span)) return;
    const { body } = fn;
    this.#message(fn, FUNCTION, {
      input: this.#names(body.inputs),
      output: this.#names(body.outputs),
      node: this.#nodes(body),
      attribute_proto: this.#each(fn.attributeDefaults, (a) => this.#attr(a)),
      value_info: this.#infos(body.valueInfos),
    });
  }

  #graph(graph: Graph): void {
    if (this.#wholeFromSpan(graph.span)) return;
    const inputs = graph.inputs.map((v) => named(graph.inputInfos.get(v) ?? { name: v.name, type: v.type }, v));
    const outputs = graph.outputs.map((v, i) => named(graph.outputInfos[i] ?? { name: v.name, type: v.type }, v));
    this.#message(graph, GRAPH, {
      node: this.#nodes(graph),
      initializer: this.#each([...graph.initializers], (v) => this.#initializer(v)),
      sparse_initializer: this.#each([...graph.sparseInitializers], (v) => this.#sparseInitializer(v)),
      input: this.#infos(inputs),
      output: this.#infos(outputs),
      value_info: this.#infos(graph.valueInfos),
    });
  }

  #initializer(value: Value): void {
    if (!value.initializer) throw new Error(`bug: ${value.name} is listed as an initializer and has no data`);
    const m = tensorMessage(this.#swapped(value.initializer), value.name);
    if (!this.#fromSpan(m.span)) encode(this.w, m, this.#shortcut);
  }

  #sparseInitializer(value: Value): void {
    const sparse = value.sparseInitializer;
    if (!sparse) throw new Error(`bug: ${value.name} is listed as sparse and has no data`);
    if ((sparse.name ?? '') === value.name && this.#wholeFromSpan(preservedBy(sparse)?.span)) return;
    encode(this.w, this.#sparse(sparse, value.name), this.#shortcut);
  }

  #swapped(t: Tensor): Tensor {
    return this.#swap ? this.#swap(t) : t;
  }

  #names(values: readonly (Value | undefined)[]): (field: Field) => void {
    return (field) =>
      this.#field(
        field,
        values.map((v) => v?.name ?? ''),
      );
  }

  #nodes(graph: Graph): (field: Field) => void {
    return (field) => {
      for (let node = graph.last; node; node = node.previous) {
        const mark = this.w.size;
        this.#node(node);
        this.w.close(field.number, mark);
      }
    };
  }

  #node(node: Node): void {
    const attrs = [...node.attrs.values()];
    if (!(this.#swap && attrs.some(holdsTensors)) && this.#fromSpan(node.span)) return;
    this.#message(node, NODE, {
      op_type: (field) => this.#field(field, node.opType === '' ? undefined : node.opType),
      input: this.#names(node.inputs),
      output: this.#names(node.outputs),
      attribute: this.#each(attrs, (a) => this.#attr(a)),
    });
  }

  #attr(attr: Attr): void {
    const untouched = graphsOf(attr).every((g) => g.span !== undefined);
    if (untouched && !(this.#swap && holdsTensors(attr)) && this.#fromSpan(preservedBy(attr)?.span)) return;
    const m = this.#tensorsSwapped(attr);
    const graphs = graphsOf(attr);
    if (graphs.length === 0) encode(this.w, m, this.#shortcut);
    else
      this.#fields('AttributeProto', m, (field) => {
        if (field.name === (attr.kind === 'graph' ? 'g' : 'graphs')) this.#each(graphs, (g) => this.#graph(g))(field);
      });
  }

  #tensorsSwapped(attr: Attr): Message<'AttributeProto'> {
    const m = attrMessage(attr);
    if (!this.#swap) return m;
    switch (attr.kind) {
      case 'tensor':
        return withFields(m, { t: tensorMessage(this.#swapped(attr.value)) });
      case 'tensors':
        return withFields(m, { tensors: attr.values.map((t) => tensorMessage(this.#swapped(t))) });
      case 'sparse_tensor':
        return withFields(m, { sparse_tensor: this.#sparse(attr.value) });
      case 'sparse_tensors':
        return withFields(m, { sparse_tensors: attr.values.map((s) => this.#sparse(s)) });
      default:
        return m;
    }
  }

  #sparse(s: SparseTensor, name?: string): Message<'SparseTensorProto'> {
    const m = sparseMessage(s, name);
    const values = this.#swapped(s.values);
    const indices = this.#swapped(s.indices);
    if (values === s.values && indices === s.indices) return m;
    return withFields(m, { values: tensorMessage(values, name ?? s.name), indices: tensorMessage(indices) });
  }
}

/** A declaration under the name that its value has. */
const named = (info: ValueInfo, value: Value): ValueInfo =>
  info.name === value.name ? info : { ...info, name: value.name };

const holdsTensors = (attr: Attr): boolean => {
  switch (attr.kind) {
    case 'tensor':
    case 'tensors':
    case 'sparse_tensor':
    case 'sparse_tensors':
    case 'graph':
    case 'graphs':
      return true;
    default:
      return false;
  }
};
