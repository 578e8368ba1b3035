import { CnnxError } from '../../base/errors.js';
import { cloneModel } from '../../graph/clone.js';
import { Editor } from '../../graph/edit.js';
import { Functions } from '../../graph/functions.js';
import type { KnownInts } from '../../graph/infer-node.js';
import { type FunctionDef, Model, type Node, type Value } from '../../graph/ir.js';
import { nodeLabel } from '../../graph/order.js';
import { signatureOf } from '../../graph/signature.js';
import { graphsWithin } from '../../graph/walk.js';
import { registry } from '../../ops/index.js';
import { findTypes } from '../types.js';
import { lowerIrVersion, raiseIrVersion } from './ir-version.js';
import { misfit, typeProblems } from './misfit.js';
import { moveOf } from './move.js';
import { type Change, isRefusal, Step } from './step.js';
import { HIGHEST_CONVERTED_OPSET, LOWEST_CONVERTED_OPSET } from './versions.js';

/** What a conversion changed. */
export interface OpsetConversion {
  readonly model: Model;
  readonly from: number;
  readonly to: number;
  /** Of the converted model. */
  readonly irVersion: number;
  /** How many nodes each change of the table was applied to, by `operator version: what changed`. */
  readonly applied: ReadonlyMap<string, number>;
}

/** In the message stand so many nodes at most. */
const MAX_NAMED = 10;

/**
 * The model in another version of ONNX's operators, its functions and subgraphs too: the same outputs, by the steps of `OPSET_CHANGES`, version
 * by version. The model given stays as it is; what no step touches is shared with it, and written byte for byte as it was read. The IR version
 * fits the opset: not lower than the release that brought it, and, on the way down, no higher than what the model needs.
 * Throws `opset/version` for a version outside 7 to 26, and `opset/refused` with every node that has no exact form in the other version.
 */
export function convertOpset(model: Model, to: number): OpsetConversion {
  const from = model.opset('');
  checkRange(from, to);
  const copy = cloneModel(model);
  const conversion = new Conversion(copy, findTypes(copy));
  if (to > from) raiseIrVersion(conversion.edit, to);
  conversion.walk(copy, from, to);
  for (const f of copy.functions) {
    const own = f.opset('');
    if (own !== undefined) conversion.walk(f, own, to);
  }
  if (conversion.refusals.size > 0) throw refusal(conversion.refusals, from, to);
  if (to < from) lowerIrVersion(conversion.edit, to);
  return { model: copy, from, to, irVersion: Number(copy.irVersion ?? 0n), applied: conversion.applied };
}

function checkRange(from: number | undefined, to: number): asserts from is number {
  const range = `${LOWEST_CONVERTED_OPSET} to ${HIGHEST_CONVERTED_OPSET}`;
  const inRange = (n: number): boolean =>
    Number.isInteger(n) && n >= LOWEST_CONVERTED_OPSET && n <= HIGHEST_CONVERTED_OPSET;
  if (!inRange(to)) throw new CnnxError('opset/version', `opset ${to}; ${range} can be converted to`);
  if (from === undefined) throw new CnnxError('opset/version', "the model imports no version of ONNX's operators");
  if (!inRange(from))
    throw new CnnxError('opset/version', `the model imports opset ${from}; ${range} can be converted`);
}

function refusal(refusals: ReadonlyMap<Node, string>, from: number, to: number): CnnxError {
  const lines = Array.from(refusals, ([node, reason]) => `${node.opType} ${nodeLabel(node)}: ${reason}`);
  const more = lines.length > MAX_NAMED ? [`and ${lines.length - MAX_NAMED} more`] : [];
  const [first] = refusals.keys();
  const count = lines.length === 1 ? 'one node has' : `${lines.length} nodes have`;
  return new CnnxError(
    'opset/refused',
    `${count} no exact form in opset ${to} (the model imports ${from}):\n  ${[...lines.slice(0, MAX_NAMED), ...more].join('\n  ')}`,
    {
      at: { node: first && nodeLabel(first) },
      hint: 'cnnx fuse first: it folds what is computed from constants; or a nearer opset',
    },
  );
}

class Conversion {
  readonly edit: Editor;
  readonly refusals = new Map<Node, string>();
  readonly applied = new Map<string, number>();
  readonly #functions: Functions;

  constructor(
    model: Model,
    readonly known: KnownInts,
  ) {
    this.edit = new Editor(model);
    this.#functions = new Functions(model);
  }

  /** Brings a model's own graphs, or a function's, from one version to another. */
  walk(root: Model | FunctionDef, from: number, to: number): void {
    if (from === to) return;
    // What onnxruntime takes beyond ONNX's own lists of types, it takes in other versions too.
    const tolerated = new Set<Node>();
    for (const node of this.#nodes(root)) {
      const why = misfit(node, from);
      if (why) this.refusals.set(node, why);
      else if (typeProblems(node, from)) tolerated.add(node);
    }
    const direction = to > from ? 1 : -1;
    for (let version = from; version !== to; version += direction) this.#step(root, version, version + direction);
    for (const node of this.#nodes(root)) {
      this.#trim(node, to);
      const why = misfit(node, to) ?? (tolerated.has(node) ? undefined : typeProblems(node, to));
      if (why && !this.refusals.has(node)) this.refusals.set(node, why);
    }
  }

  /** All questions first, while the graphs import the present version; then the edits, in the next. */
  #step(root: Model | FunctionDef, from: number, to: number): void {
    const step = new Step(this.known, to);
    const changes: [Node, Change][] = [];
    for (const node of this.#nodes(root)) {
      if (this.refusals.has(node)) continue;
      const move = moveOf(node, from, step);
      if (isRefusal(move)) this.refusals.set(node, move.refused);
      else if (move) {
        changes.push([node, move.change]);
        this.applied.set(move.what, (this.applied.get(move.what) ?? 0) + 1);
      }
    }
    this.edit.setOpset(root, to);
    // A node that only a changed one needed may be gone, and has no outputs then.
    for (const [node, change] of changes) if (node.outputs.length > 0) change(this.edit);
  }

  /** Inputs and outputs that are left out at the end go where the version does not have them. */
  #trim(node: Node, version: number): void {
    const op = registry.at('', node.opType, version);
    if (!op) return;
    const { inputs, outputs } = signatureOf(op);
    const used = (values: readonly (Value | undefined)[]): number => values.findLastIndex((v) => v !== undefined) + 1;
    if (!inputs.variadic && node.inputs.length > inputs.names.length)
      this.edit.setInputList(node, node.inputs.slice(0, used(node.inputs)));
    if (!outputs.variadic && node.outputs.length > outputs.names.length)
      this.edit.dropOutputs(node, used(node.outputs));
  }

  *#nodes(root: Model | FunctionDef): Generator<Node> {
    for (const graph of graphsWithin([root instanceof Model ? root.graph : root.body]))
      for (const node of graph.nodes()) if (node.domain === '' && !this.#functions.called(node)) yield node;
  }
}
