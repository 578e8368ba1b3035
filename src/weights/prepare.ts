import { CnnxError } from '../base/errors.js';
import { printable } from '../base/text.js';
import { type StateDict, unwrapped, wrapperPrefix } from '../formats/state-dict.js';
import { elementCount } from '../tensor/dtype.js';
import { asFloat64, fromFloat64, isFloat, lazyTensor, type Tensor } from '../tensor/tensor.js';

/** A state dict under the network's own names, and what was done for that, in words. */
export interface Prepared {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly notes: readonly string[];
}

/**
 * Names without `prefix`, of those that have it, then without what wrappers put before all; pairs of weight
 * normalisation and of pruning multiplied out. Throws `weights/nothing` where no name has the prefix.
 */
export function prepare(stateDict: StateDict, prefix?: string): Prepared {
  const notes: string[] = [];
  if (stateDict.entry !== undefined) notes.push(`the weights are those under ${printable(stateDict.entry, 60)}`);
  const { stateDict: chosen, leftOut } =
    prefix === undefined ? { stateDict, leftOut: 0 } : withPrefix(stateDict, prefix);
  if (leftOut > 0) notes.push(`${leftOut} tensors without ${printable(prefix ?? '')} are left out`);
  const wrapper = wrapperPrefix(chosen.tensors.keys());
  if (wrapper !== '') notes.push(`${wrapper} is taken off all names`);
  const { tensors } = unwrapped(chosen);
  return { tensors: multipliedOut(tensors, notes), notes };
}

/**
 * The tensors whose names begin with `prefix`, without it, and how many do not. Throws `weights/nothing` where none
 * does.
 */
export function withPrefix(
  stateDict: StateDict,
  prefix: string,
): { readonly stateDict: StateDict; readonly leftOut: number } {
  const all = [...stateDict.tensors];
  const own = all.filter(([name]) => name.startsWith(prefix) && name.length > prefix.length);
  if (own.length === 0) {
    const first = [...new Set(all.map(([name]) => `${name.split('.')[0]}.`))].slice(0, 8);
    throw new CnnxError(
      'weights/nothing',
      `no tensor of ${all.length} has a name that begins with ${printable(prefix)}`,
      {
        hint: `they begin with ${first.map((f) => printable(f, 40)).join(', ')}`,
      },
    );
  }
  const tensors = new Map(own.map(([name, t]) => [name.slice(prefix.length), t]));
  return { stateDict: { ...stateDict, tensors }, leftOut: all.length - own.length };
}

/** Two tensors that a layer multiplies each time it runs. */
interface Pair {
  readonly first: RegExp;
  /** The name of the other, and of the product. */
  readonly second: string;
  readonly product: string;
  readonly what: string;
  readonly multiply: (first: Float64Array, second: Float64Array, shapes: readonly [Tensor, Tensor]) => Float64Array;
}

const PAIRS: readonly Pair[] = [
  { first: /^(.*\.)?(\w+)_g$/, second: '$1$2_v', product: '$1$2', what: 'weight_norm', multiply: normalised },
  {
    first: /^(.*\.)?parametrizations\.(\w+)\.original0$/,
    second: '$1parametrizations.$2.original1',
    product: '$1$2',
    what: 'weight_norm',
    multiply: normalised,
  },
  { first: /^(.*\.)?(\w+)_mask$/, second: '$1$2_orig', product: '$1$2', what: 'pruning', multiply: masked },
];

/** Each pair as its product, where the first of it stood. */
function multipliedOut(tensors: ReadonlyMap<string, Tensor>, notes: string[]): ReadonlyMap<string, Tensor> {
  const products = new Map<string, { readonly name: string; readonly tensor: Tensor }>();
  const gone = new Set<string>();
  const counts = new Map<string, number>();
  for (const [name, a] of tensors) {
    for (const { first, second, product, what, multiply } of PAIRS) {
      if (!first.test(name)) continue;
      const other = name.replace(first, second);
      const made = name.replace(first, product);
      const b = tensors.get(other);
      if (!b || tensors.has(made) || !isFloat(a.dtype) || !isFloat(b.dtype) || a.shape.length !== b.shape.length)
        continue;
      const { dtype, shape } = b;
      const values = (): Float64Array => multiply(asFloat64(a), asFloat64(b), [a, b]);
      if (what === 'weight_norm' ? !isNormOf(a, b) : a.shape.join() !== b.shape.join()) continue;
      products.set(other, {
        name: made,
        tensor: lazyTensor(dtype, shape, () => fromFloat64(dtype, shape, values()).bytes()),
      });
      gone.add(name);
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
  }
  for (const [what, count] of counts)
    notes.push(`${count} pair${count === 1 ? '' : 's'} of ${what} ${count === 1 ? 'is' : 'are'} multiplied out`);
  if (products.size === 0) return tensors;
  return new Map(
    [...tensors].flatMap(([name, t]): readonly (readonly [string, Tensor])[] => {
      const product = products.get(name);
      if (product) return [[product.name, product.tensor]];
      return gone.has(name) ? [] : [[name, t]];
    }),
  );
}

/** Lengths along some axes of a weight: 1 on the axes that they are taken over. */
const isNormOf = (g: Tensor, v: Tensor): boolean => g.shape.every((d, i) => d === 1 || d === v.shape[i]);

/** g v / |v|, torch.nn.utils.weight_norm: the length of v over the axes on which g has one entry. */
function normalised(g: Float64Array, v: Float64Array, [lengths, { shape }]: readonly [Tensor, Tensor]): Float64Array {
  const strides = lengths.shape.map((d, i) => (d === 1 ? 0 : elementCount(lengths.shape.slice(i + 1))));
  const places = new Int32Array(v.length);
  const sums = new Float64Array(g.length);
  const index = shape.map(() => 0);
  for (let i = 0; i < v.length; i++) {
    const at = index.reduce((n, k, axis) => n + k * (strides[axis] ?? 0), 0);
    places[i] = at;
    sums[at] = (sums[at] ?? 0) + (v[i] ?? 0) ** 2;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
  return v.map((x, i) => ((g[places[i] ?? 0] ?? 0) * x) / Math.sqrt(sums[places[i] ?? 0] ?? 1));
}

/** torch.nn.utils.prune: the weight as it was, and a mask of ones and zeros. */
function masked(mask: Float64Array, weight: Float64Array): Float64Array {
  return weight.map((x, i) => x * (mask[i] ?? 0));
}
