import type { Node, Value } from '../../graph/ir.js';
import type { Lifted, Memory } from './lift.js';

/** Forms that were cut off after fewer levels are made anew, so that every root sees at least this many. */
const MIN_LEVELS = 32;

/** Values remembered at once: roots come in order, and ask for the values just below them. */
const MAX_VALUES = 256;

/**
 * Forms by value and attempt. Every root of a region asks for the forms below it; without a memory each node would take time in proportion to
 * the depth of its region. An entry may be out of date, so a form is lifted anew before it is written out; `forget` drops the entries that an edit
 * touches.
 */
export class LiftMemory {
  #values = new Map<Value, Map<string, Lifted>>();

  /** The memory of one attempt. */
  of(attempt: string): Memory {
    return {
      get: (value) => {
        const lifted = this.#values.get(value)?.get(attempt);
        return lifted && lifted.levels >= MIN_LEVELS ? lifted : undefined;
      },
      set: (value, lifted) => {
        // A new Map, since V8 lets the table of one that is cleared point to what follows: collecting that takes the whole heap.
        if (this.#values.size >= MAX_VALUES) this.#values = new Map();
        const attempts = this.#values.get(value) ?? new Map<string, Lifted>();
        this.#values.set(value, attempts.set(attempt, lifted));
      },
    };
  }

  /** A node was edited: forms that went through its outputs are out of date. */
  forget(node: Node): void {
    const pending = [node];
    for (let next = pending.pop(); next; next = pending.pop()) {
      for (const value of next.outputs) {
        if (!value) continue;
        const known = this.#values.delete(value);
        // Nothing was lifted through a value that several nodes use.
        if ((known || next === node) && value.uses.size === 1) pending.push(...value.uses.keys());
      }
    }
  }
}
