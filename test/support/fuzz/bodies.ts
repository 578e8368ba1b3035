import { channelsOf, type Draft, type Draw, filled, list, rankOf, type Val } from './draft.js';

/*
 * If, Loop and Scan whose graphs share weights with each other and with the graph around them: a merge in one of them
 * must leave the others as they are.
 */

/** Rounds of a Loop, and steps of a Scan, at most. */
export const MAX_ROUNDS = 3;

/** Weights of the graph around that keep the shape of a value. */
class Shared {
  readonly kernel: string;
  readonly scale: string;
  readonly norm: string;
  readonly #type: string;
  readonly #ones: readonly number[];

  constructor(
    private readonly g: Draft,
    private readonly x: Val,
  ) {
    const c = channelsOf(x);
    this.#type = g.setting.dtype;
    this.#ones = filled(rankOf(x), 1);
    this.kernel = this.#weight([c, c, ...this.#ones]);
    this.scale = this.#weight([c, ...this.#ones]);
    this.norm = [0, 1, 2, 3].map(() => this.#weight([c])).join(', ');
  }

  #weight(shape: readonly number[]): string {
    const name = this.g.fresh('w');
    const type = `${this.#type}${list(shape)}`;
    if (this.g.setting.ir < 4) this.g.listed.push(`${name}: ${type}`);
    this.g.lines.push(`${name}: ${type}`);
    return name;
  }

  /** A line of a graph, under a name of its own, which it gives. */
  line(lines: string[], op: string, inputs: string): string {
    const name = this.g.fresh('b');
    lines.push(`${name} = ${op}(${inputs})`);
    return name;
  }

  /** Linear things and others on `from`, with weights of the graph around and now and then with one of its own. */
  chain(lines: string[], from: string, d: Draw): string {
    let y = from;
    const own = this.g.setting.ir >= 4 && d.rarely(3);
    for (let i = 0; i < 1 + d.below(3); i++) {
      const kernel = own
        ? `${this.g.fresh('w')}: ${this.#type}${list([channelsOf(this.x), channelsOf(this.x), ...this.#ones])}`
        : this.kernel;
      switch (d.below(6)) {
        case 0:
        case 1:
          y = this.line(lines, 'BatchNormalization', `${this.line(lines, 'Conv', `${y}, ${kernel}`)}, ${this.norm}`);
          break;
        case 2:
          y = this.line(lines, 'Mul', `${this.line(lines, 'Conv', `${y}, ${kernel}`)}, ${this.scale}`);
          break;
        case 3:
          y = this.line(lines, 'Conv', `${y}, ${kernel}`);
          break;
        case 4:
          y = this.line(lines, 'Mul', `${y}, ${this.scale}`);
          break;
        default:
          y = this.line(lines, 'Tanh', y);
      }
    }
    return y;
  }

  /** `chain`, as a graph: its inputs, what it gives before the result, and the result's name. */
  graph(name: string, from: string, d: Draw, head = '', before = '', after = ''): string {
    const lines: string[] = [];
    const y = this.chain(lines, from, d);
    return `{${name} (${head}) -> (${before}${y}${after})\n ${lines.join('\n ')} }`;
  }

  /** The same weights in the graph around too, beside `y`. */
  also(y: Val, d: Draw): Val {
    if (d.below(3) !== 2) return y;
    const { g, x } = this;
    return g.elementwise('Add', [y, g.node('Conv', '', `${x.name}, ${this.kernel}`, x.shape)]);
  }
}

/** Both branches on the same weights; sometimes with another If inside. */
export function sharedBranches(g: Draft, x: Val, d: Draw): Val {
  const s = new Shared(g, x);
  let then = s.graph('then', x.name, d);
  if (d.rarely(3)) {
    const inner = g.fresh('b');
    const branches = `then_branch=${s.graph('inner', x.name, d)}, else_branch=${s.graph('other', x.name, d)}`;
    then = `{then () -> (${inner})\n ${inner} = If<${branches}>(flag) }`;
  }
  return s.also(g.node('If', `then_branch=${then}, else_branch=${s.graph('else', x.name, d)}`, 'flag', x.shape), d);
}

/** Some rounds of a chain on what comes out of the one before. */
export function looped(g: Draft, x: Val, d: Draw): Val {
  const s = new Shared(g, x);
  const [i, goes, v, on] = ['i', 'k', 'v', 'k'].map((prefix) => g.fresh(prefix));
  const head = `${i}: int64[], ${goes}: bool[], ${v}: ${g.setting.dtype}`;
  const body = s.graph('body', v ?? '', d, head, `${on}, `).replace('\n', `\n ${on} = Identity(${goes})\n `);
  const trips = constant(g, 'int64', 1 + d.below(MAX_ROUNDS));
  return s.also(g.node('Loop', `body=${body}`, `${trips}, ${constant(g, 'bool', 1)}, ${x.name}`, x.shape), d);
}

/** A chain and a factor for each step, which is a row of a constant. Signatures as from opset 9 on. */
export function scanned(g: Draft, x: Val, d: Draw): Val {
  if (g.setting.opset < 9) return looped(g, x, d);
  const s = new Shared(g, x);
  const rows = g.constant([1 + d.below(MAX_ROUNDS), channelsOf(x), ...filled(rankOf(x), 1)]);
  const [v, row, y] = ['v', 'r', 'b'].map((prefix) => g.fresh(prefix));
  const lines: string[] = [];
  lines.push(`${y} = Mul(${s.chain(lines, v ?? '', d)}, ${row})`);
  const type = g.setting.dtype;
  // onnxruntime asks a Scan for the shape of what its body gives, which it cannot infer below a Loop.
  const body = `{body (${v}: ${type}, ${row}: ${type}) -> (${y}: ${type}${list(x.shape)})\n ${lines.join('\n ')} }`;
  return s.also(g.node('Scan', `num_scan_inputs=1, body=${body}`, `${x.name}, ${rows}`, x.shape), d);
}

function constant(g: Draft, type: 'int64' | 'bool', value: number): string {
  const name = g.fresh('i');
  if (g.setting.ir < 4) g.listed.push(`${name}: ${type}[]`);
  return `${name}: ${type}[] = [${value}]`;
}
