import type { Node, Value } from '../graph/ir.js';

/** Nodes that are compared before one is taken to be like no other: more have one number only in files that are made to. */
const MAX_COMPARED = 64;

/**
 * Nodes by what they compute: operator, attributes, inputs. Found by a number made of these, since the texts of all would take as much memory
 * as the nodes do.
 */
export class NodeTable {
  readonly #nodes = new Map<number, Node>();
  readonly #kinds = new Map<string, number>();
  readonly #values = new Map<Value, number>();

  constructor(
    /** The value that is to be read in place of one; itself for most. */
    private readonly meant: (value: Value) => Value,
    /** What an operator and its attributes come to. */
    private readonly kindOf: (node: Node) => string,
  ) {}

  /** The first node that computes the same; undefined for one that is the first. The nodes of the graph must be numbered: see `numberNodes`. */
  firstLike(node: Node): Node | undefined {
    const kind = this.kindOf(node);
    let key = numbered(this.#kinds, kind);
    for (const value of node.inputs) key = mixed(key, value ? this.#numberOf(this.meant(value)) : -1);
    for (let compared = 0; compared < MAX_COMPARED; compared++) {
      const other = this.#nodes.get(key);
      if (!other) {
        this.#nodes.set(key, node);
        return undefined;
      }
      if (this.#readsTheSame(node, other) && this.kindOf(other) === kind) return other;
      key = (key + 1) | 0;
    }
    return undefined;
  }

  /** What most values are numbered by takes no memory: the place of their node. */
  #numberOf(value: Value): number {
    const { producer } = value;
    return producer?.outputs.length === 1 ? producer.position : -2 - numbered(this.#values, value);
  }

  #readsTheSame({ inputs }: Node, other: Node): boolean {
    const meant = (value: Value | undefined): Value | undefined => value && this.meant(value);
    return inputs.length === other.inputs.length && inputs.every((v, i) => meant(v) === meant(other.inputs[i]));
  }
}

function numbered<K>(numbers: Map<K, number>, key: K): number {
  const number = numbers.get(key) ?? numbers.size;
  numbers.set(key, number);
  return number;
}

/** Spreads what differs in a few bits over all 32: the factor is that of Fibonacci hashing. */
const mixed = (key: number, next: number): number => {
  const product = Math.imul(key ^ next, 0x9e3779b1);
  return product ^ (product >>> 15);
};
