import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Attr, SparseTensor } from '../../graph/attr.js';
import { everyGraph } from '../../graph/edit.js';
import type { Model } from '../../graph/ir.js';
import { elementCount } from '../../tensor/dtype.js';
import { asFloat64, type Tensor } from '../../tensor/tensor.js';
import { OnnxTensor } from './tensor.js';

interface Slice {
  readonly name: string;
  readonly at: number;
  readonly size: number;
}

/**
 * Makes sure that the weights of a model are there and say one thing. Reading a model does not: its structure is worth
 * having without them. Throws `onnx/external-data` for a slice beyond the end of its file and for slices that overlap
 * in part (tensors that share all of one are fine), and whatever the model's folder throws for a file that is absent or
 * forbidden; `onnx/tensor` for a tensor with data in two of its fields, and for a sparse one whose indices are not
 * places in it.
 */
export function checkWeights(model: Model): void {
  const byLocation = new Map<string, Slice[]>();
  for (const t of everyTensor(model)) {
    if (!(t instanceof OnnxTensor)) continue;
    t.checkOneForm();
    if (!t.place) continue;
    const range = t.range;
    const slices = byLocation.get(t.place.location) ?? [];
    byLocation.set(t.place.location, slices);
    if (range && range.size > 0) slices.push({ name: t.message.fields.name ?? '', at: range.at, size: range.size });
  }
  for (const [location, slices] of byLocation) checkOverlap(location, slices);
  for (const sparse of everySparse(model)) checkIndices(sparse);
}

function checkOverlap(location: string, slices: Slice[]): void {
  slices.sort((a, b) => a.at - b.at || a.size - b.size);
  slices.forEach((slice, i) => {
    const before = slices[i - 1];
    if (!before || before.at + before.size <= slice.at) return;
    if (before.at === slice.at && before.size === slice.size) return;
    throw new CnnxError(
      'onnx/external-data',
      `in '${printable(location)}', '${printable(slice.name)}' begins at byte ${slice.at}, before '${printable(before.name)}' ends at ${before.at + before.size}`,
      { at: { value: slice.name } },
    );
  });
}

/**
 * A sparse tensor has a place for each of its values: counted over the whole tensor, or a coordinate for each axis
 * (onnx.proto, SparseTensorProto).
 */
function checkIndices({ values, indices, dims, name }: SparseTensor): void {
  const fail = (message: string): never => {
    throw new CnnxError('onnx/tensor', `sparse tensor ${printable(name ?? '') || '(unnamed)'}: ${message}`, {
      at: { value: name },
    });
  };
  if (indices instanceof OnnxTensor && indices.isAbsent) return;
  const count = elementCount(values.shape);
  const [rows = 1, columns] = indices.shape;
  const perAxis = indices.shape.length === 2;
  if (indices.shape.length > 2 || rows !== count || (perAxis && columns !== dims.length))
    fail(
      `${count} values, and indices of [${indices.shape.join(',')}]; [${count}] or [${count},${dims.length}] was expected`,
    );
  if (indices.dtype !== 'int64' && indices.dtype !== 'int32') fail(`indices are ${indices.dtype}; int64 was expected`);
  const sizes = perAxis ? dims : [dims.reduce((n, d) => n * d, 1)];
  asFloat64(indices).forEach((place, i) => {
    const size = sizes[i % sizes.length] ?? 0;
    if (place < 0 || place >= size) fail(`an index of ${place}, where there are ${size} places`);
  });
}

function* everySparse(model: Model): Generator<SparseTensor, void, undefined> {
  for (const graph of everyGraph(model)) {
    for (const { sparseInitializer } of graph.sparseInitializers) if (sparseInitializer) yield sparseInitializer;
    for (const node of graph.nodes())
      for (const attr of node.attrs.values()) {
        if (attr.kind === 'sparse_tensor') yield attr.value;
        if (attr.kind === 'sparse_tensors') yield* attr.values;
      }
  }
}

function* everyTensor(model: Model): Generator<Tensor, void, undefined> {
  for (const { values, indices } of everySparse(model)) yield* [values, indices];
  for (const graph of everyGraph(model)) {
    for (const { initializer } of graph.initializers) if (initializer) yield initializer;
    for (const node of graph.nodes()) for (const attr of node.attrs.values()) yield* tensorsOf(attr);
  }
}

function tensorsOf(attr: Attr): readonly Tensor[] {
  switch (attr.kind) {
    case 'tensor':
      return [attr.value];
    case 'tensors':
      return attr.values;
    default:
      return [];
  }
}
