import { CnnxError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { elementCount } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Attr, SparseTensor } from '../graph/attr.js';
import type { FunctionDef, Graph, Model, Node, OpsetImport, Value, ValueInfo } from '../graph/ir.js';
import { floatText, NUMBER_FORMATS, nameText, quoted, stringText } from './literals.js';
import { type Dim, typeText, type ValueType } from '../graph/types.js';

/** What `printGraph` writes and leaves out. */
export interface PrintOptions {
  /**
   * Which tensors are written in full: `small` (the default) those of at most 16 elements; the others are elided, and
   * read back seeded.
   */
  readonly data?: 'all' | 'small' | 'none';
  /** Which types of inner values are written: those the file declares (the default), all that are known, or none. */
  readonly types?: 'declared' | 'known' | 'none';
  /** Leaves the names of nodes out. */
  readonly nodeNames?: boolean;
}

/** The header of a text that has none. */
export const DEFAULT_HEADER = { irVersion: 8n, opset: 17n, graphName: 'graph' } as const;

const SMALL = 16;
const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
const dimText = (d: Dim): string => (typeof d === 'string' ? dimNameText(d) : String(d ?? '?'));
const dimNameText = (name: string): string => (/^-?\d+$/.test(name) ? quoted(name) : nameText(name));
const typeOf = (t: ValueType | undefined): string => (t ? `: ${typeText(t, dimText)}` : '');

/**
 * A model as text, which `parseGraph` reads. It carries versions, producer, names of graphs and nodes, functions,
 * subgraphs, all kinds of attributes, and types of inputs, outputs and (as `types` says) of the outputs of nodes. With
 * `data: 'all'` the data and the order of initializers are kept too. It leaves out metadata, doc strings, the order of
 * value_info and its entries for other values, model version and domain, and what the IR only carries (unknown fields,
 * training info, quantization annotations). Throws `graph/depth` where graphs are nested too deep.
 */
export function printGraph(model: Model, options: PrintOptions = {}): string {
  return new Printer(options).model(model);
}

class Printer {
  constructor(readonly options: PrintOptions) {}

  model(model: Model): string {
    const header: string[] = [];
    if (model.irVersion !== DEFAULT_HEADER.irVersion) header.push(`ir: ${model.irVersion ?? '_'}`);
    if (!isDefault(model.opsetImports)) header.push(opsets(model.opsetImports));
    if (model.graph.name !== DEFAULT_HEADER.graphName) header.push(`graph: ${optionalName(model.graph.name)}`);
    if (model.producerName !== undefined) header.push(`producer: ${quoted(model.producerName)}`);
    if (model.producerVersion !== undefined) header.push(`version: ${quoted(model.producerVersion)}`);
    const lines = header.length > 0 ? [`<${header.join(', ')}>`] : [];
    for (const f of model.functions) lines.push(this.function(f));
    lines.push(this.graph(model.graph, '', 0));
    return `${lines.join('\n')}\n`;
  }

  function(f: FunctionDef): string {
    const attributes = [...f.attributes.map(nameText), ...f.attributeDefaults.map((a) => this.attr(a, '  ', 1))];
    const head = `function ${opName(f.domain, f.name ?? '', f.overload)}`;
    const signature = attributes.length > 0 ? `${head}<${attributes.join(', ')}>` : head;
    return `${signature} ${opsets(f.opsetImports)} {\n  ${this.graph(f.body, '  ', 1)}\n}`;
  }

  /** Without its name. The first line is not indented. */
  graph(graph: Graph, indent: string, depth: number): string {
    if (depth > LIMITS.graphDepth)
      throw new CnnxError('graph/depth', `graphs are nested more than ${LIMITS.graphDepth} deep`);
    const inline = this.inlined(graph);
    const inputs = graph.inputs.map((v) => this.input(graph, v));
    const outputs = graph.outputs.map((v, i) => nameText(v.name) + typeOf(infoAt(graph.outputInfos, i, v)?.type));
    const lines = [`(${inputs.join(', ')}) -> (${outputs.join(', ')})`];
    for (const v of graph.initializers) if (!v.isInput && !inline.has(v)) lines.push(this.initializer(v));
    for (const v of graph.sparseInitializers)
      if (v.sparseInitializer) lines.push(`${nameText(v.name)}: ${this.sparse(v.sparseInitializer)}`);
    const declared = new Map(this.options.types === 'none' ? [] : graph.valueInfos.map((i) => [i.name, i.type]));
    for (const node of graph.nodes()) lines.push(this.node(node, inline, declared, `${indent}  `, depth));
    return lines.join(`\n${indent}  `);
  }

  /** The initializers that stand at their first use. With all data, only where that keeps the order of the file. */
  private inlined(graph: Graph): Set<Value> {
    const inline = new Set<Value>();
    for (const node of graph.nodes())
      for (const v of node.inputs) if (v?.initializer && !v.isInput && v.graph === graph) inline.add(v);
    if (this.options.data !== 'all') return inline;
    const order = [...graph.initializers].filter((v) => !v.isInput);
    const used = [...inline];
    const rest = order.length - used.length;
    return used.every((v, i) => v === order[rest + i]) ? inline : new Set();
  }

  private input(graph: Graph, value: Value): string {
    const type = graph.inputInfos.get(value)?.type;
    const head = nameText(value.name) + typeOf(type);
    if (!value.initializer) return head;
    const own = typeText(tensorType(value.initializer), dimText);
    return `${head} = ${type && typeText(type, dimText) === own ? '' : `${own} = `}${this.data(value.initializer) ?? '...'}`;
  }

  private initializer(value: Value): string {
    return value.initializer ? `${nameText(value.name)}: ${this.tensor(value.initializer)}` : nameText(value.name);
  }

  private node(
    node: Node,
    inline: Set<Value>,
    declared: Map<string, ValueType | undefined>,
    indent: string,
    depth: number,
  ): string {
    const outputs = node.outputs.map((v) => {
      if (!v) return '_';
      return nameText(v.name) + typeOf(declared.get(v.name) ?? (this.options.types === 'known' ? v.type : undefined));
    });
    const inputs = node.inputs.map((v) => {
      if (!v) return '_';
      return inline.delete(v) ? this.initializer(v) : nameText(v.name);
    });
    const attrs = [...node.attrs.values()].map((a) => this.attr(a, indent, depth));
    const name = node.name !== undefined && this.options.nodeNames !== false ? `@${nameText(node.name)}` : '';
    const op = opName(node.declaredDomain, node.opType, node.overload) + name;
    const left = outputs.length > 0 ? outputs.join(', ') : '()';
    return `${left} = ${op}${attrs.length > 0 ? `<${attrs.join(', ')}>` : ''}(${inputs.join(', ')})`;
  }

  private attr(attr: Attr, indent: string, depth: number): string {
    const name = nameText(attr.name);
    switch (attr.kind) {
      case 'float':
        return `${name}=${floatText(attr.bits)}`;
      case 'int':
        return `${name}=${attr.value}`;
      case 'string':
        return `${name}=${stringText(attr.value)}`;
      case 'ref':
        return `${name}=@${nameText(attr.ref)}`;
      case 'undefined':
        return `${name}: undefined`;
      case 'tensor':
        return `${name}: ${this.tensor(attr.value)}`;
      case 'sparse_tensor':
        return `${name}: ${this.sparse(attr.value)}`;
      case 'type':
        return `${name}: type = ${typeText(attr.value, dimText)}`;
      case 'graph':
        return `${name}=${this.subgraph(attr.value, indent, depth)}`;
      case 'floats': {
        const { buffer, byteOffset, length } = attr.values;
        return list(name, 'floats', Array.from(new Uint32Array(buffer, byteOffset, length), floatText));
      }
      case 'ints':
        return list(name, 'ints', Array.from(attr.values, String));
      case 'strings':
        return list(name, 'strings', attr.values.map(stringText));
      case 'graphs':
        return list(
          name,
          'graphs',
          attr.values.map((g) => this.subgraph(g, indent, depth)),
        );
      case 'tensors':
        return `${name}: tensors = [${attr.values.map((t) => this.tensor(t)).join(', ')}]`;
      case 'sparse_tensors':
        return `${name}: sparse_tensors = [${attr.values.map((t) => this.sparse(t)).join(', ')}]`;
      case 'types':
        return `${name}: types = [${attr.values.map((t) => typeText(t, dimText)).join(', ')}]`;
    }
  }

  private subgraph(graph: Graph, indent: string, depth: number): string {
    return `{ ${optionalName(graph.name)} ${this.graph(graph, indent, depth + 1)} }`;
  }

  private tensor(t: Tensor): string {
    const data = this.data(t);
    return typeText(tensorType(t), dimText) + (data === undefined ? '' : ` = ${data}`);
  }

  private sparse(t: SparseTensor): string {
    const type = `sparse ${t.values.dtype}[${t.dims.join(',')}]`;
    const name = t.name === undefined ? '' : `${quoted(t.name)} `;
    return `${type} = { ${name}${this.tensor(t.values)}, ${this.tensor(t.indices)} }`;
  }

  /** Undefined when elided. */
  private data(t: Tensor): string | undefined {
    const { data = 'small' } = this.options;
    if (data === 'none' || (data === 'small' && elementCount(t.shape) > SMALL)) return undefined;
    if (t.dtype === 'string') return `[${(t.strings?.() ?? []).map(stringText).join(',')}]`;
    const bytes = t.bytes();
    const format = NUMBER_FORMATS[t.dtype];
    if (!format) return `0x${hex(bytes)}`;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const numbers: string[] = [];
    for (let at = 0; at < bytes.byteLength; at += format.size) numbers.push(format.text(view, at));
    return `[${numbers.join(',')}]`;
  }
}

const tensorType = (t: Tensor): ValueType => ({ kind: 'tensor', dtype: t.dtype, shape: t.shape });

/** An empty list says its kind. */
const list = (name: string, kind: string, items: readonly string[]): string =>
  items.length > 0 ? `${name}=[${items.join(',')}]` : `${name}: ${kind} = []`;

const optionalName = (name: string | undefined): string => (name === undefined ? '_' : nameText(name));

/** `domain::Op:overload`, each part as the file has it. */
function opName(domain: string | undefined, op: string, overload: string | undefined): string {
  const main = /^[A-Za-z]/.test(op) ? nameText(op) : quoted(op);
  return `${domain === undefined ? '' : `${nameText(domain)}::`}${main}${overload === undefined ? '' : `:${nameText(overload)}`}`;
}

const isDefault = (imports: readonly OpsetImport[]): boolean =>
  imports.length === 1 && imports[0]?.domain === '' && imports[0].version === DEFAULT_HEADER.opset;

const opsets = (imports: readonly OpsetImport[]): string =>
  `opset: [${imports.map((i) => `${i.domain === undefined ? '_' : quoted(i.domain)}: ${i.version ?? '_'}`).join(', ')}]`;

function infoAt(infos: readonly ValueInfo[], i: number, value: Value): ValueInfo | undefined {
  const info = infos[i];
  return info?.name === value.name ? info : undefined;
}
