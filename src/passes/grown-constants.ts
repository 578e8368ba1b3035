import { Editor, everyGraph } from '../graph/edit.js';
import { type Extract, extractModel } from '../graph/extract.js';
import type { Model, Node, Value } from '../graph/ir.js';
import { Splicer } from '../graph/splice.js';
import type { Tensor } from '../tensor/tensor.js';
import { heldConstant } from './match.js';

/** Constants that were computed may make a model larger by this share of the constants that it came with; what goes beyond is computed at run time again. */
const GROWTH_SHARE = 0.01;
/** Up to this size, 1 KiB, a constant takes no more than the nodes that it stands for. */
const SMALL_BYTES = 2 ** 10;

interface Grown {
  readonly value: Value;
  readonly data: Tensor;
  /** The nodes that computed it. */
  readonly region: Extract;
  readonly bytes: number;
}

const bytesOf = (model: Model): number => {
  let sum = 0;
  for (const graph of everyGraph(model)) for (const v of graph.initializers) sum += v.initializer?.byteLength ?? 0;
  return sum;
};

/**
 * Constants that take more than what they were computed from: zeros of ConstantOfShape, tables of positions. All are computed, since the algebra may merge
 * them into weights; those that are left in the end are put back as nodes.
 */
export class GrownConstants {
  readonly #grown: Grown[] = [];
  readonly #allowed: number;

  constructor(model: Model) {
    this.#allowed = GROWTH_SHARE * bytesOf(model);
  }

  /** To be called before `value` becomes the constant `data`, which the nodes of `regionOf` compute; what it returns, afterwards. */
  note(value: Value, data: Tensor | undefined, regionOf: () => readonly Node[]): (() => void) | undefined {
    // Below IR version 4 every constant is an input too.
    if (!data || data.byteLength <= SMALL_BYTES || !value.graph.model.overridableInitializers) return undefined;
    const region = extractModel(regionOf(), [value], heldConstant);
    const bytes = data.byteLength - bytesOf(region.model);
    if (bytes <= SMALL_BYTES) return undefined;
    return () => this.#grown.push({ value, data, region, bytes });
  }

  /** Puts back what is still there and too much, the largest first. Gives how many constants went. */
  restore(model: Model): number {
    const left = this.#grown.filter(
      ({ value, data }) => value.initializer === data && value.graph.initializers.has(value),
    );
    let sum = left.reduce((n, { bytes }) => n + bytes, 0);
    if (sum <= this.#allowed) return 0;
    const edit = new Editor(model);
    const splicer = new Splicer(edit);
    let restored = 0;
    for (const grown of left.sort((a, b) => b.bytes - a.bytes)) {
      if (sum <= this.#allowed) break;
      sum -= grown.bytes;
      restored += 1;
      putBack(grown, edit, splicer);
    }
    return restored;
  }
}

function putBack({ value, region }: Grown, edit: Editor, splicer: Splicer): void {
  const { graph, name } = value;
  if (!graph.first) throw new Error(`bug: ${name} is a constant that no node uses`);
  for (const [original, copy] of region.copies) {
    edit.rename(copy, edit.freshName(original === value ? `${name}_computed` : original.name));
    edit.setType(copy, original.type);
  }
  const [result] = splicer.moveIn(region.model.graph, graph.first);
  if (!result) throw new Error(`bug: nothing computes ${name}`);
  edit.replaceUses(value, result);
  edit.rename(result, name);
}
