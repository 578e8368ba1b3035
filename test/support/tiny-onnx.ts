import { onnx } from 'onnx-proto';

/** Models for tests of what runs them, encoded by onnx-proto: nothing of ours takes part. */
export interface TinyNode {
  readonly op: string;
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly attrs?: readonly onnx.IAttributeProto[];
}

export interface TinyModel {
  readonly inputs?: readonly onnx.IValueInfoProto[];
  readonly outputs: readonly onnx.IValueInfoProto[];
  readonly nodes: readonly TinyNode[];
  readonly initializers?: readonly onnx.ITensorProto[];
}

/** A declared tensor; sizes, or names for free ones. `type` is ONNX's code, float32 if absent. */
export const port = (name: string, shape: readonly (number | string)[], type = 1): onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: type,
      shape: { dim: shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
    },
  },
});

export const floats = (name: string, dims: readonly number[], data: readonly number[]): onnx.ITensorProto => ({
  name,
  dims: [...dims],
  dataType: 1,
  floatData: [...data],
});

export function tinyOnnx({ inputs = [], outputs, nodes, initializers = [] }: TinyModel): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'tiny',
      node: nodes.map((n) => ({ opType: n.op, input: [...n.in], output: [...n.out], attribute: [...(n.attrs ?? [])] })),
      input: [...inputs],
      output: [...outputs],
      initializer: [...initializers],
    },
  }).finish();
}
