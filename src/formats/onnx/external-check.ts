import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Attr } from '../../graph/attr.js';
import { everyGraph } from '../../graph/edit.js';
import type { Model } from '../../graph/ir.js';
import type { Tensor } from '../../tensor/tensor.js';
import { OnnxTensor } from './tensor.js';

interface Slice {
  readonly name: string;
  readonly at: number;
  readonly size: number;
}

/**
 * Makes sure that all external data of a model is there. Reading a model does not: its structure is worth having without the weights.
 * Throws `onnx/external-data` for a slice beyond the end of its file and for slices that overlap in part (tensors that share all of one are
 * fine), and whatever the model's folder throws for a file that is absent or forbidden.
 */
export function checkExternalData(model: Model): void {
  const byLocation = new Map<string, Slice[]>();
  for (const t of everyTensor(model)) {
    if (!(t instanceof OnnxTensor) || !t.place) continue;
    const range = t.range;
    const slices = byLocation.get(t.place.location) ?? [];
    byLocation.set(t.place.location, slices);
    if (range && range.size > 0) slices.push({ name: t.message.fields.name ?? '', at: range.at, size: range.size });
  }
  for (const [location, slices] of byLocation) checkOverlap(location, slices);
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

function* everyTensor(model: Model): Generator<Tensor, void, undefined> {
  for (const graph of everyGraph(model)) {
    for (const { initializer } of graph.initializers) if (initializer) yield initializer;
    for (const { sparseInitializer: s } of graph.sparseInitializers) if (s) yield* [s.values, s.indices];
    for (const node of graph.nodes()) for (const attr of node.attrs.values()) yield* tensorsOf(attr);
  }
}

function tensorsOf(attr: Attr): readonly Tensor[] {
  switch (attr.kind) {
    case 'tensor':
      return [attr.value];
    case 'tensors':
      return attr.values;
    case 'sparse_tensor':
      return [attr.value.values, attr.value.indices];
    case 'sparse_tensors':
      return attr.values.flatMap((s) => [s.values, s.indices]);
    default:
      return [];
  }
}
