/** A graph's lists of inputs and of declared inner values, of any types: `ir.ts` says which. */
interface Listed {
  readonly isInput: boolean;
}
interface Named {
  readonly name: string;
}

/**
 * The lists of a graph from which single entries are dropped, or renamed, again and again. Such a change is only noted,
 * and made for all at once when somebody asks: one by one, each would take as long as the list is.
 */
export class GraphLists<V extends Listed, I extends Named> {
  #inputs: V[] = [];
  #inputsDropped = false;
  #infos: readonly I[] = [];
  #infoEdits: InfoEdits<I> | undefined;

  get inputs(): readonly V[] {
    if (this.#inputsDropped) {
      this.#inputs = this.#inputs.filter((v) => v.isInput);
      this.#inputsDropped = false;
    }
    return this.#inputs;
  }

  setInputs(inputs: readonly V[]): void {
    this.#inputs = [...inputs];
    this.#inputsDropped = false;
  }

  appendInput(input: V): void {
    this.#inputs.push(input);
  }

  /** Those whose `isInput` is false by now are left out from here on. */
  dropInputs(): void {
    this.#inputsDropped = true;
  }

  get infos(): readonly I[] {
    if (this.#infoEdits) {
      this.#infos = this.#infoEdits.applied();
      this.#infoEdits = undefined;
    }
    return this.#infos;
  }

  setInfos(infos: readonly I[]): void {
    this.#infos = infos;
    this.#infoEdits = undefined;
  }

  /** The value of that name is gone. */
  dropInfo(name: string): void {
    this.#edits().drop(name);
  }

  renameInfo(from: string, to: string): void {
    this.#edits().rename(from, to);
  }

  #edits(): InfoEdits<I> {
    this.#infoEdits ??= new InfoEdits(this.#infos);
    return this.#infoEdits;
  }
}

/** Changes to a list of declarations, found by name. */
class InfoEdits<I extends Named> {
  /** Declarations by the name that their value has by now. */
  readonly #byName = new Map<string, I[]>();
  /** What becomes of those that change; undefined where they go. */
  readonly #results = new Map<I, I | undefined>();

  constructor(private readonly infos: readonly I[]) {
    for (const info of infos) {
      const same = this.#byName.get(info.name);
      if (same) same.push(info);
      else this.#byName.set(info.name, [info]);
    }
  }

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
  applied(): readonly I[] {
    if (this.#results.size === 0) return this.infos;
    return this.infos.flatMap((info) => (this.#results.has(info) ? (this.#results.get(info) ?? []) : [info]));
  }
}
