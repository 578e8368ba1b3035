import type { AttrsOf, Editor, InputsOf } from '../graph/edit.js';
import type { Graph, Value } from '../graph/ir.js';
import type { AnyOpDef, NodeOf } from '../graph/op-def.js';
import { float32Tensor } from '../tensor/tensor.js';
import type { InitRules, Distribution } from './distributions.js';
import { type Fill, filledTensor, type Param, type ParamKind } from './params.js';

/** How convolutions are written: `acb` turns square ones into asymmetric blocks, `paths` grouped ones into parallel paths. */
export interface Style {
  readonly acb?: 'authors' | 'plain' | undefined;
  readonly form?: 'grouped' | 'paths' | undefined;
}

/** A network under construction: one graph, and the state dict in the order in which its entries are made. */
export class Network {
  constructor(
    readonly editor: Editor,
    readonly graph: Graph,
    readonly rules: InitRules,
    readonly fill: Fill,
    readonly style: Style,
    readonly params: Param[] = [],
  ) {}

  /** The same network, whose further convolutions are written in another style. */
  styled(style: Style): Network {
    return new Network(this.editor, this.graph, this.rules, this.fill, { ...this.style, ...style }, this.params);
  }

  get opset(): number {
    return this.editor.model.opset('') ?? 0;
  }

  /** A float32 number, one initializer for all its uses. */
  scalar(value: number): Value {
    const name = `constant.${value}`;
    return this.graph.values.get(name) ?? this.editor.addInitializer(this.graph, name, float32Tensor([], [value]));
  }

  /** A node under a free name of `name`'s; its outputs bear the node's name (and a number, if there are several). */
  node<D extends AnyOpDef>(op: D, inputs: InputsOf<D>, attrs: AttrsOf<D>, name: string, outputs = 1): NodeOf<D> {
    const { editor, graph } = this;
    const free = editor.freshNodeName(name);
    const names = Array.from({ length: outputs }, (_, i) => editor.freshName(outputs === 1 ? free : `${free}.${i}`));
    return editor.add(graph, op, inputs, attrs, { name: free, outputs: names });
  }

  /** A parameter that the graph holds, as one initializer under its key. */
  param(name: string, shape: readonly number[], kind: ParamKind, distribution: Distribution): Value {
    const param = { name, dtype: 'float32', shape, kind, distribution } as const;
    const value = this.editor.addInitializer(this.graph, name, filledTensor(param, this.fill));
    this.params.push({ ...param, placements: [{ value, from: 0, rows: shape[0] ?? 1 }] });
    return value;
  }

  /** A parameter whose rows the graph holds in `count` equal initializers: `key` names each. */
  splitParam(
    name: string,
    shape: readonly number[],
    kind: ParamKind,
    distribution: Distribution,
    count: number,
    key: (i: number) => string,
  ): readonly Value[] {
    const param = { name, dtype: 'float32', shape, kind, distribution } as const;
    const rows = (shape[0] ?? 1) / count;
    const placements = Array.from({ length: count }, (_, i) => {
      const tensor = filledTensor(param, this.fill, i * rows, rows);
      return { value: this.editor.addInitializer(this.graph, key(i), tensor), from: i * rows, rows };
    });
    this.params.push({ ...param, placements });
    return placements.map((p) => p.value);
  }

  /** A state-dict entry that an inference graph does not hold. */
  absentParam(name: string, shape: readonly number[], kind: ParamKind): void {
    this.params.push({
      name,
      dtype: 'int64',
      shape,
      kind,
      distribution: { kind: 'constant', value: 0 },
      placements: [],
    });
  }
}
