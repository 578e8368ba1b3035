import { printable } from '../base/text.js';
import type { Attr } from '../graph/attr.js';
import { Graph, type Node } from '../graph/ir.js';
import { floatBits, isInteger, stringBytes } from './literals.js';
import type { TypeParser } from './parse-types.js';
import type { Scanner } from './scanner.js';
import type { ValueType } from '../graph/types.js';

/** Reads the attributes of the text form. */
export class AttrParser {
  constructor(
    private readonly scan: Scanner,
    private readonly types: TypeParser,
    private readonly subgraph: (owner: Node) => Graph,
  ) {}

  /** What follows the name. */
  attr(name: string, owner: Node): Attr {
    const { scan } = this;
    if (scan.take(':')) return this.annotated(name, owner);
    scan.expect('=');
    if (scan.take('@')) return { name, kind: 'ref', ref: scan.name('an attribute of the function') };
    if (scan.sees('{')) return { name, kind: 'graph', value: this.subgraph(owner) };
    if (!scan.sees('[')) {
      const text = scan.string();
      return text === undefined ? this.numberAttr(name) : { name, kind: 'string', value: stringBytes(text) };
    }
    const items = scan.list('[', ']', () => (scan.sees('{') ? this.subgraph(owner) : this.item()));
    return this.listAttr(name, items);
  }

  private knownType(): ValueType {
    return this.types.type() ?? this.scan.failThere('a type was expected');
  }

  private item(): Uint8Array | string {
    const text = this.scan.string();
    return text === undefined ? this.scan.number() : stringBytes(text);
  }

  private listAttr(name: string, items: readonly (Graph | Uint8Array | string)[]): Attr {
    const graphs = items.filter((i) => i instanceof Graph);
    const strings = items.filter((i) => i instanceof Uint8Array);
    const numbers = items.filter((i) => typeof i === 'string');
    if (items.length === 0) this.scan.failThere(`an empty list says its kind: ${printable(name)}: ints = []`);
    if (graphs.length === items.length) return { name, kind: 'graphs', values: graphs };
    if (strings.length === items.length) return { name, kind: 'strings', values: strings };
    if (numbers.length < items.length) this.scan.failThere('the items of a list are of one kind');
    return numbers.every(isInteger) ? this.intsAttr(name, numbers) : this.floatsAttr(name, numbers);
  }

  private numberAttr(name: string): Attr {
    const text = this.scan.number();
    if (isInteger(text)) return { name, kind: 'int', value: this.int64(text) };
    return { name, kind: 'float', bits: this.floatBits(text) };
  }

  private intsAttr(name: string, numbers: readonly string[]): Attr {
    return { name, kind: 'ints', values: BigInt64Array.from(numbers, (n) => this.int64(n)) };
  }

  private floatsAttr(name: string, numbers: readonly string[]): Attr {
    return {
      name,
      kind: 'floats',
      values: new Float32Array(Uint32Array.from(numbers, (n) => this.floatBits(n)).buffer),
    };
  }

  int64(text: string): bigint {
    const value = isInteger(text) ? BigInt(text.replace('+', '')) : undefined;
    if (value === undefined || BigInt.asIntN(64, value) !== value)
      return this.scan.failThere(`${printable(text)} is no int64`);
    return value;
  }

  private floatBits(text: string): number {
    return floatBits(text) ?? this.scan.failThere(`${printable(text)} is no number`);
  }

  private annotated(name: string, owner: Node): Attr {
    const { scan } = this;
    const items = <T>(item: () => T): T[] => {
      scan.expect('=');
      return scan.list('[', ']', item);
    };
    if (scan.takeWord('ints'))
      return this.intsAttr(
        name,
        items(() => scan.number()),
      );
    if (scan.takeWord('floats'))
      return this.floatsAttr(
        name,
        items(() => scan.number()),
      );
    if (scan.takeWord('strings'))
      return {
        name,
        kind: 'strings',
        values: items(() => stringBytes(scan.string() ?? scan.fail('a string was expected'))),
      };
    if (scan.takeWord('graphs')) return { name, kind: 'graphs', values: items(() => this.subgraph(owner)) };
    if (scan.takeWord('tensors')) return { name, kind: 'tensors', values: items(() => this.types.tensor(name)) };
    if (scan.takeWord('sparse_tensors'))
      return { name, kind: 'sparse_tensors', values: items(() => this.types.sparseOf()) };
    if (scan.takeWord('types')) return { name, kind: 'types', values: items(() => this.knownType()) };
    if (scan.takeWord('type')) {
      scan.expect('=');
      return { name, kind: 'type', value: this.knownType() };
    }
    const type = this.types.type();
    if (type?.kind === 'sparse_tensor') return { name, kind: 'sparse_tensor', value: this.types.sparse(type) };
    if (type?.kind === 'tensor' && type.dtype === 'undefined' && !type.shape) return { name, kind: 'undefined' };
    const of = this.types.static(type);
    return { name, kind: 'tensor', value: scan.take('=') ? this.types.data(of, name) : this.types.seeded(of, name) };
  }
}
