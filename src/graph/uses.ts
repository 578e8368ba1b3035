/**
 * The consuming nodes (of type N) of a value, with the number of inputs each takes it on; in the order in which they
 * came.
 */
export type Uses<N> = ReadonlyMap<N, number>;

/** At most two uses, as nearly every value has: a Map takes six times the memory. Immutable. */
class FewUses<N> implements Uses<N> {
  constructor(
    private readonly first: N | undefined,
    /** The first again when one node takes the value twice. */
    private readonly second: N | undefined,
  ) {}

  get size(): number {
    if (!this.first) return 0;
    return !this.second || this.second === this.first ? 1 : 2;
  }

  get(node: N): number | undefined {
    const count = (this.first === node ? 1 : 0) + (this.second === node ? 1 : 0);
    return count === 0 ? undefined : count;
  }

  has(node: N): boolean {
    return this.first === node || this.second === node;
  }

  keys(): MapIterator<N> {
    return this.list().values();
  }

  values(): MapIterator<number> {
    return Array.from(this, ([, count]) => count).values();
  }

  entries(): MapIterator<[N, number]> {
    return Array.from(this.list(), (node): [N, number] => [node, this.get(node) ?? 0]).values();
  }

  [Symbol.iterator](): MapIterator<[N, number]> {
    return this.entries();
  }

  forEach(callback: (count: number, node: N, uses: Uses<N>) => void): void {
    for (const [node, count] of this) callback(count, node, this);
  }

  /** These uses, but `count` by that node. */
  with(node: N, count: number): Uses<N> {
    const others = [this.first, this.second].filter((user) => user && user !== node);
    if (others.length + count > 2) return new Map(this).set(node, count);
    const [first, second] = others.concat(Array.from({ length: count }, () => node));
    return first ? new FewUses(first, second) : NO_USES;
  }

  private list(): N[] {
    const { first, second } = this;
    if (!first) return [];
    return second && second !== first ? [first, second] : [first];
  }
}

export const NO_USES: Uses<never> = new FewUses<never>(undefined, undefined);

/**
 * The same uses, but `count` by that node. Many are changed in place, so that one more or less takes the same time
 * however many there are.
 */
export function withUses<N>(uses: Uses<N>, node: N, count: number): Uses<N> {
  if (uses instanceof FewUses) return uses.with(node, count);
  const many = uses as Map<N, number>;
  if (count > 0) many.set(node, count);
  else many.delete(node);
  return many;
}
