import { LIMITS } from '../../base/limits.js';
import type { Node, Value } from '../../graph/ir.js';
import type { AnyOpDef, NodeOf } from '../../graph/op-def.js';
import { shapeOf } from '../../ops/tensors.js';
import type { Reason } from '../reasons.js';
import { sameShape } from '../match.js';
import { notApplicable, isSkip, type Skip, skip } from '../rule.js';
import { type Form, hasWindow, identityForm, sameSource, type Term, weightCount } from './form.js';
import { composeForms, type Layer } from './compose.js';
import { sumTerms } from './sum.js';

/** How a linear operator turns the form of its input into that of its output, or why it cannot. */
export interface Lift {
  /** The operator's name: what `--skip` and `--only` take. */
  readonly name: string;
  readonly doc: string;
  readonly roots: readonly AnyOpDef[];
  apply(node: Node, at: Lifting, output: Value): Form | Skip;
}

export function lift<D extends AnyOpDef>(
  root: D | readonly D[],
  doc: string,
  apply: (node: NodeOf<D>, at: Lifting, output: Value) => Form | Skip,
): Lift {
  const roots: readonly D[] = Array.isArray(root) ? root : [root as D];
  return {
    name: roots[0]?.name ?? '',
    doc,
    roots,
    apply(node, at, output) {
      for (const op of roots) if (node.is(op)) return apply(node, at, output);
      return skip('other-version');
    },
  };
}

/** Nodes on one path from a source. Deeper regions are merged piece by piece: recursion never goes as deep as a file asks for. */
const MAX_DEPTH = 64;

/** Terms of one sum. Each is compared with each; networks add a handful of values. */
const MAX_TERMS = 64;

/** Notes that a form passes on to the one above it. Only the last is shown to a user. */
const MAX_NOTES = 4;

/** The users of a value with more of them are not searched: each user may ask, which would be quadratic. */
const MAX_USERS_LOOKED_AT = 64;

/** Operators that only move elements: reading through one of them costs nothing, also where others need what it makes. */
const MOVERS: ReadonlySet<string> = new Set(['Pad', 'Slice']);

/** Choices among exact forms; the cost decides between them. */
export interface Choices {
  /** Windows put on top of windows; at 0 not on top of sums of several sources either. */
  readonly stacked: number;
  /** Sum two windows into a larger one always, or only if that costs no more than the two. */
  readonly sum: 'always' | 'cheap';
  /** Go through Slice and Split, or take what they give as a source. */
  readonly parts: boolean;
  /** Go through Pads and Slices of a value that other nodes use too: they read the same source. */
  readonly shared: boolean;
}

export interface Note {
  readonly node: Node;
  readonly reason: Reason;
}

/** Which choices came up at all: the others make no difference. */
interface Met {
  stacked: boolean;
  sum: boolean;
  parts: boolean;
  shared: boolean;
}

/** The result of lifting a value. */
export interface Lifted {
  readonly form: Form | Skip;
  readonly met: Readonly<Met>;
  readonly notes: readonly Note[];
  /** Levels of nodes that were followed where MAX_DEPTH cut something off; infinite where nothing was. */
  readonly levels: number;
}

/** Where forms are kept between attempts. */
export interface Memory {
  get(value: Value): Lifted | undefined;
  set(value: Value, lifted: Lifted): void;
}

/** What the node that asks for a value knows of it: its channels, its spatial axes, and how often the node itself uses it. */
interface Known {
  readonly channels?: number;
  readonly rank?: number;
  readonly uses?: number;
}

/** A value read as if an affine map stood below it. */
export interface Assumed {
  readonly value: Value;
  readonly map: (itself: Form) => Form | Skip;
}

export interface LiftingOptions {
  /** What earlier attempts with these choices came to, at and below other roots. */
  readonly memory?: Memory | undefined;
  readonly maxDepth?: number | undefined;
  /** Of these values an affine map is assumed, whatever makes them. */
  readonly assumed?: Assumed | undefined;
}

/** One attempt at a form: the choices made, which of them came up, and the reasons met on the way. */
export class Lifting {
  met: Met = { stacked: false, sum: false, parts: false, shared: false };
  notes: Note[] = [];
  #depth = 0;
  /** Nodes asked for their forms so far. */
  #asked = 0;
  /** The fewest levels that some path below was cut off at; none cut off: infinite. */
  #levels = Number.POSITIVE_INFINITY;
  readonly #maxDepth: number;

  constructor(
    readonly lifts: ReadonlyMap<string, Lift>,
    readonly choices: Choices,
    /** Where the channels are in the values at hand: see `Form`. */
    readonly layout: 'first' | 'last',
    private readonly options: LiftingOptions = {},
  ) {
    this.#maxDepth = options.maxDepth ?? MAX_DEPTH;
  }

  /** The form of what a node makes. */
  of(node: Node, output: Value): Form | Skip {
    const l = this.lifts.get(node.opType);
    if (!l || node.domain !== '') return notApplicable('not-linear');
    this.#asked += 1;
    const known = this.options.memory?.get(output);
    if (known) return this.#join(known);
    const asked = this.#asked;
    const { met, notes } = this;
    const levels = this.#levels;
    this.met = { stacked: false, sum: false, parts: false, shared: false };
    this.notes = [];
    this.#levels = Number.POSITIVE_INFINITY;
    this.#depth += 1;
    const form = l.apply(node, this, output);
    this.#depth -= 1;
    if (isSkip(form) && !form.quiet) this.notes.push({ node, reason: form.skip });
    const lifted: Lifted = { form, met: this.met, notes: this.notes, levels: this.#levels };
    // A form directly on sources is made again as fast as it is found in the memory.
    if (this.#asked > asked) this.options.memory?.set(output, lifted);
    [this.met, this.notes, this.#levels] = [met, notes, levels];
    return this.#join(lifted);
  }

  /** Takes over what was met on the way to a form below. */
  #join({ form, met, notes, levels }: Lifted): Form | Skip {
    this.met.stacked ||= met.stacked;
    this.met.sum ||= met.sum;
    this.met.parts ||= met.parts;
    this.met.shared ||= met.shared;
    this.notes.push(...notes.slice(-MAX_NOTES));
    this.#levels = Math.min(this.#levels, levels + 1);
    return form;
  }

  /** The form of an operand: through its producer where nothing else needs the value, otherwise the value itself as a source. */
  operand(value: Value, known: Known = {}): Form | Skip {
    const { producer } = value;
    if (producer && this.lifts.has(producer.opType) && this.options.assumed?.value !== value) {
      const why = this.#standsAlone(value, producer, known.uses ?? 1);
      if (why !== undefined) this.notes.push({ node: producer, reason: why });
      else if (this.#depth >= this.#maxDepth) this.#levels = 0;
      else {
        const form = this.of(producer, value);
        if (!isSkip(form)) return form;
      }
    }
    return this.source(value, known);
  }

  #standsAlone(value: Value, producer: Node, own: number): Reason | undefined {
    const why = standsAlone(value, own);
    if (why !== 'used-elsewhere' || !MOVERS.has(producer.opType) || value.uses.size > MAX_USERS_LOOKED_AT) return why;
    this.met.shared = true;
    return this.choices.shared ? undefined : why;
  }

  /** A value as a source. */
  source(value: Value, known: Known = {}): Form | Skip {
    const shape = value.type?.kind === 'tensor' ? value.type.shape : undefined;
    const rank = this.layout === 'last' ? 0 : shape ? shape.length - 2 : known.rank;
    const size = this.layout === 'last' ? shape?.at(-1) : shape?.[1];
    const channels = typeof size === 'number' ? size : known.channels;
    if (rank === undefined || rank < 0 || channels === undefined) return notApplicable('channels-unknown');
    if (known.channels !== undefined && known.channels !== channels) return skip('channels-misfit');
    if (channels > LIMITS.channels) return skip('channels-limit');
    const { assumed } = this.options;
    const itself = identityForm(value, channels, rank, this.layout);
    return assumed?.value === value ? assumed.map(itself) : itself;
  }

  /** A window above an operand: composed with the operand's form where that is exact and allowed, else above the operand itself. */
  window(
    node: Node,
    x: Value,
    known: Known,
    layer: (below: Form) => Layer,
    borderIsBias?: (below: Form) => boolean,
  ): Form | Skip {
    const below = this.operand(x, known);
    if (isSkip(below)) return below;
    // A convolution of a sum of several sources becomes one convolution of each: more of them, unless they merge with what is there.
    const spreads = hasWindow(below) || below.terms.length > 1;
    if (spreads) this.met.stacked = true;
    const plain = !hasWindow(below) && (this.choices.stacked > 0 || !spreads);
    if (plain || below.stacked < this.choices.stacked) {
      const form = composeForms(layer(below), below, borderIsBias?.(below) ?? false);
      if (!isSkip(form)) return { ...form, stacked: below.stacked + (hasWindow(below) ? 1 : 0) };
      this.notes.push({ node, reason: form.skip });
    }
    const source = this.source(x, known);
    if (isSkip(source)) return source;
    return composeForms(layer(source), source);
  }

  /** The sum of two operands; `a` and `b` are the values whose forms these are. */
  sum(
    node: Node,
    a: { readonly form: Form; readonly value: Value },
    b: { readonly form: Form; readonly value: Value },
  ): Form | Skip {
    const [f, g] = [a.form, b.form];
    if (f.outputs !== g.outputs || f.terms[0]?.axes.length !== g.terms[0]?.axes.length) return skip('shapes-differ');
    if (f.type && g.type && f.type !== g.type) return skip('element-types');
    const terms = [...f.terms];
    for (const term of g.terms) {
      const merged = this.#merge(node, terms, term);
      if (merged) continue;
      if (!sameShape(shapeOf(a.value), shapeOf(b.value))) return skip('shapes-unproven');
      if (terms.length === MAX_TERMS) return skip('many-sources');
      terms.push(term);
    }
    const { bias: p } = f;
    const { bias: q } = g;
    const bias =
      p && q
        ? { values: () => added(p.values(), q.values()), magnitudes: () => added(p.magnitudes(), q.magnitudes()) }
        : (p ?? q);
    return {
      terms,
      bias,
      outputs: f.outputs,
      layout: f.layout,
      type: f.type ?? g.type,
      path: { below: [f.path, g.path] },
      macs: f.macs + g.macs,
      params: f.params + g.params,
      stacked: Math.max(f.stacked, g.stacked),
    };
  }

  #merge(node: Node, terms: Term[], term: Term): boolean {
    for (const [i, other] of terms.entries()) {
      if (!sameSource(other, term)) continue;
      const sum = sumTerms(other, term);
      if (isSkip(sum)) {
        this.notes.push({ node, reason: sum.skip });
        continue;
      }
      const dearer = weightCount(sum) > weightCount(other) + weightCount(term);
      if (dearer) this.met.sum = true;
      if (dearer && this.choices.sum === 'cheap') continue;
      terms[i] = sum;
      return true;
    }
    return false;
  }
}

const added = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, i) => x + (b[i] ?? 0));

/** Why a value cannot be merged away: something needs it beside the one node that uses it `own` times. */
function standsAlone(value: Value, own: number): Reason | undefined {
  if (value.outputCount > 0) return 'graph-output';
  if (value.uses.size > MAX_USERS_LOOKED_AT) return 'used-elsewhere';
  let uses = 0;
  for (const [user, count] of value.uses) {
    uses += count;
    if (user.graph !== value.graph) return 'captured';
  }
  return uses === own ? undefined : 'used-elsewhere';
}
