/** Gives names that are not taken yet. Linear, however many names are made from one hint. */
export class FreshNames {
  readonly #taken: Set<string>;
  /** The number to try next after each hint. */
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(['', ...taken]);
  }

  /** `hint` if it is free, or else `hint` and a number. */
  take(hint: string): string {
    let name = hint;
    let number = this.#next.get(hint) ?? 1;
    for (; this.#taken.has(name); number++) name = `${hint}_${number}`;
    this.#next.set(hint, number);
    this.#taken.add(name);
    return name;
  }

  add(name: string): void {
    this.#taken.add(name);
  }
}
