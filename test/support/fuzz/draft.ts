/** What is drawn for one step: numbers that run out as zeros, so that every choice shrinks to its first option. */
export class Draw {
  #at = 0;

  constructor(private readonly numbers: readonly number[]) {}

  /** 0 to n - 1. */
  below(n: number): number {
    return (this.numbers[this.#at++] ?? 0) % n;
  }

  pick<T>(options: readonly [T, ...T[]]): T {
    return options[this.below(options.length)] ?? options[0];
  }

  /** True once in n draws, and not when all is shrunk. */
  rarely(n: number): boolean {
    return this.below(n) === n - 1;
  }
}

/** A value of the graph under construction, with its true sizes. */
export interface Val {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface Setting {
  readonly opset: number;
  readonly ir: number;
  readonly dtype: 'float32' | 'float64';
}

export interface WindowSpec {
  readonly outputs: number;
  readonly taps: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly pads?: readonly number[];
  readonly groups?: number;
  readonly bias?: boolean;
  readonly auto?: string;
}

export const list = (values: readonly number[]): string => `[${values.join()}]`;
export const spatialOf = (x: Val): readonly number[] => x.shape.slice(2);
export const channelsOf = (x: Val): number => x.shape[1] ?? 1;
export const rankOf = (x: Val): number => x.shape.length - 2;
export const filled = (n: number, value: number): number[] => Array.from({ length: n }, () => value);

/** A graph in text form that grows node by node; signatures as the model's opset has them. */
export class Draft {
  readonly lines: string[] = [];
  /** Weights that the graph lists among its inputs. */
  readonly listed: string[] = [];
  readonly values: Val[] = [];
  readonly outputs: string[] = [];
  /** Further inputs of the graph, by name. */
  readonly extras = new Map<string, string>();
  #count = 0;

  constructor(readonly setting: Setting) {}

  fresh(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }

  node(op: string, attrs: string, inputs: string, shape: readonly number[]): Val {
    const name = this.fresh('t');
    this.lines.push(`${name} = ${op}${attrs === '' ? '' : `<${attrs}>`}(${inputs})`);
    return { name, shape };
  }

  /**
   * The text of a constant: an initializer (filled from its name, unless `data` is given), sometimes a Constant node or
   * what a caller may override.
   */
  constant(shape: readonly number[], draw?: Draw, data?: readonly number[]): string {
    const name = this.fresh('w');
    const type = `${this.setting.dtype}${list(shape)}`;
    const filling = data ? ` = ${list(data)}` : '';
    const kind = draw?.below(24) ?? 0;
    if (this.setting.ir < 4 || kind === 23) {
      this.listed.push(`${name}: ${type}`);
      return `${name}: ${type}${filling}`;
    }
    if (kind === 22) {
      this.lines.push(`${name} = Constant<value:${type}${filling}>()`);
      return name;
    }
    return `${name}: ${type}${filling}`;
  }

  ints(values: readonly number[]): string {
    const name = this.fresh('i');
    const type = `int64[${values.length}]`;
    if (this.setting.ir < 4) this.listed.push(`${name}: ${type}`);
    return `${name}: ${type} = ${list(values)}`;
  }

  conv(x: Val, spec: WindowSpec, draw?: Draw): Val {
    const rank = rankOf(x);
    // An image without pixels has no convolution.
    if (!spatialOf(x).every((n) => n >= 1)) return x;
    const { outputs, groups = 1 } = spec;
    const strides = spec.strides ?? filled(rank, 1);
    const dilations = spec.dilations ?? filled(rank, 1);
    const auto = spec.auto ?? 'NOTSET';
    const given = spec.pads ?? filled(2 * rank, 0);
    const spatial = spatialOf(x).map((length, i) => {
      const extent = ((spec.taps[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
      if (auto.startsWith('SAME')) return Math.ceil(length / (strides[i] ?? 1));
      const pads = auto === 'VALID' ? 0 : (given[i] ?? 0) + (given[rank + i] ?? 0);
      return Math.floor((length + pads - extent) / (strides[i] ?? 1)) + 1;
    });
    // A window larger than its input: a 1x1 instead.
    if (spatial.some((n) => n < 1)) return this.conv(x, { outputs, groups, taps: filled(rank, 1) }, draw);
    const where = auto === 'NOTSET' ? `pads=${list(given)}` : `auto_pad="${auto}"`;
    const w = this.constant([outputs, channelsOf(x) / groups, ...spec.taps], draw);
    const b = spec.bias === true ? `, ${this.constant([outputs], draw)}` : '';
    const attrs = `strides=${list(strides)}, dilations=${list(dilations)}, ${where}, group=${groups}`;
    return this.node('Conv', attrs, `${x.name}, ${w}${b}`, [x.shape[0] ?? 1, outputs, ...spatial]);
  }

  batchNorm(x: Val, draw?: Draw): Val {
    const c = [channelsOf(x)];
    const params = Array.from({ length: 4 }, () => this.constant(c, draw)).join(', ');
    const epsilon = draw?.pick(['', 'epsilon=0.001', 'epsilon=0.1']) ?? '';
    return this.node('BatchNormalization', epsilon, `${x.name}, ${params}`, x.shape);
  }

  pad(x: Val, begin: readonly number[], end: readonly number[], mode = 'constant', value = 0): Val {
    const shape = x.shape.map((d, i) => d + (begin[i] ?? 0) + (end[i] ?? 0));
    const amounts = [...begin, ...end];
    if (this.setting.opset < 11)
      return this.node('Pad', `mode="${mode}", pads=${list(amounts)}, value=${value.toFixed(4)}`, x.name, shape);
    const v = value === 0 ? '' : `, ${this.constant([], undefined, [value])}`;
    return this.node('Pad', `mode="${mode}"`, `${x.name}, ${this.ints(amounts)}${v}`, shape);
  }

  /** From `start` to before `end` along each of `axes`. */
  slice(x: Val, axes: readonly number[], starts: readonly number[], ends: readonly number[]): Val {
    const shape = [...x.shape];
    axes.forEach((axis, i) => {
      const length = shape[axis] ?? 0;
      const at = (v: number): number => Math.min(Math.max(v < 0 ? v + length : v, 0), length);
      shape[axis] = at(ends[i] ?? 0) - at(starts[i] ?? 0);
    });
    if (this.setting.opset < 10)
      return this.node('Slice', `axes=${list(axes)}, starts=${list(starts)}, ends=${list(ends)}`, x.name, shape);
    return this.node('Slice', '', `${x.name}, ${[starts, ends, axes].map((v) => this.ints(v)).join(', ')}`, shape);
  }

  split(x: Val, sizes: readonly number[]): Val[] {
    const names = sizes.map(() => this.fresh('t'));
    const old = this.setting.opset < 13;
    const attrs = `axis=1${old ? `, split=${list(sizes)}` : ''}`;
    this.lines.push(`${names.join(', ')} = Split<${attrs}>(${x.name}${old ? '' : `, ${this.ints(sizes)}`})`);
    return names.map((name, i) => ({ name, shape: [x.shape[0] ?? 1, sizes[i] ?? 0, ...spatialOf(x)] }));
  }

  concat(xs: readonly Val[]): Val {
    const [first] = xs;
    const shape = [first?.shape[0] ?? 1, xs.reduce((n, x) => n + channelsOf(x), 0), ...(first?.shape.slice(2) ?? [])];
    return this.node('Concat', 'axis=1', xs.map((x) => x.name).join(', '), shape);
  }

  /** torch.stack(xs).mean(axis), or sum. */
  stackReduced(op: 'ReduceMean' | 'ReduceSum', xs: readonly Val[], axis: number): Val {
    const { opset } = this.setting;
    const shape = xs[0]?.shape ?? [];
    const stacked = xs.map((x) =>
      opset < 13
        ? this.node('Unsqueeze', `axes=[${axis}]`, x.name, [])
        : this.node('Unsqueeze', '', `${x.name}, ${this.ints([axis])}`, []),
    );
    const stack = this.node('Concat', `axis=${axis}`, stacked.map((x) => x.name).join(', '), []);
    return opset < (op === 'ReduceSum' ? 13 : 18)
      ? this.node(op, `axes=[${axis}], keepdims=0`, stack.name, shape)
      : this.node(op, 'keepdims=0', `${stack.name}, ${this.ints([axis])}`, shape);
  }

  elementwise(op: string, xs: readonly Val[]): Val {
    return this.node(op, '', xs.map((x) => x.name).join(', '), xs[0]?.shape ?? []);
  }

  /** The whole model; `inputs` as they stand in the graph's header. */
  text(inputs: readonly string[]): string {
    const { ir, opset } = this.setting;
    const last = this.values.at(-1)?.name ?? '';
    const outputs = [...new Set([...this.outputs, last])];
    return `<ir: ${ir}, opset: ["": ${opset}]> (${[...inputs, ...this.extras.values(), ...this.listed].join(', ')}) -> (${outputs.join(', ')})\n ${this.lines.join('\n ')}`;
  }
}
