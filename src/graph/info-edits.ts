import type { ValueInfo } from './ir.js';

/**
 * Changes to a list of declared types, found by name and made all at once: one by one, each would take as long as the list is.
 */
export class InfoEdits {
  /** Declarations by the name that their value has by now. */
  readonly #byName = new Map<string, ValueInfo[]>();
  /** What becomes of those that change; undefined where they go. */
  readonly #results = new Map<ValueInfo, ValueInfo | undefined>();

  constructor(private readonly infos: readonly ValueInfo[]) {
    for (const info of infos) {
      const same = this.#byName.get(info.name);
      if (same) same.push(info);
      else this.#byName.set(info.name, [info]);
    }
  }

  /** The value of that name is gone. */
  drop(name: string): void {
    for (const info of this.#byName.get(name) ?? []) this.#results.set(info, undefined);
    this.#byName.delete(name);
  }

  rename(from: string, to: string): void {
    this.drop(to);
    const infos = this.#byName.get(from);
    if (!infos) return;
    this.#byName.delete(from);
    this.#byName.set(to, infos);
    for (const info of infos) this.#results.set(info, { ...info, name: to });
  }

  /** The list with all changes made. */
  applied(): readonly ValueInfo[] {
    if (this.#results.size === 0) return this.infos;
    return this.infos.flatMap((info) => (this.#results.has(info) ? (this.#results.get(info) ?? []) : [info]));
  }
}
