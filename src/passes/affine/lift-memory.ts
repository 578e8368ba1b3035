import type { Node, Value } from '../../graph/ir.js';
import type { Lifted, Memory } from './lift.js';

/** Forms that were cut off after fewer levels are made anew: those of long regions are then made twice, and no root sees less than this. */
const MIN_LEVELS = 32;

/** Values remembered at once: roots come in order, and ask for what stands just below them. */
const MAX_VALUES = 256;

/**
 * What lifting came to at values, by attempt. Every root of a region asks for the forms below it: without a memory, that takes the depth
 * of the region for each of its nodes. It may be out of date, so what is written out is lifted anew; `forget` sees to it that little is missed.
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

  /** A node was edited: what was lifted through its outputs is no longer so. */
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
