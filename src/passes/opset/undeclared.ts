import { attrOf, attrText } from '../../graph/attr.js';
import type { Node } from '../../graph/ir.js';
import { rankOf } from '../../ops/tensors.js';
import { type Move, type OpsetChange, refuse } from './step.js';

/* ONNX's own operators that `src/ops` does not declare. Source: ONNX docs/Operators.md and docs/Changelog.md. */

/** The versions of an operator; `alike` are those that changed only element types or wording. */
interface Versions {
  readonly since: readonly number[];
  readonly alike: readonly number[];
}
const versions = (since: readonly number[], alike: readonly number[] = []): Versions => ({ since, alike });

export const UNDECLARED: ReadonlyMap<string, Versions> = new Map([
  ['AffineGrid', versions([20])],
  ['Attention', versions([23, 24, 25])],
  ['BlackmanWindow', versions([17])],
  ['Col2Im', versions([18])],
  ['DFT', versions([17, 20])],
  ['Det', versions([11, 22], [22])],
  ['GridSample', versions([16, 20, 22], [22])],
  ['HammingWindow', versions([17])],
  ['HannWindow', versions([17])],
  ['ImageDecoder', versions([20])],
  ['MaxRoiPool', versions([1, 22], [22])],
  ['MelWeightMatrix', versions([17])],
  ['NegativeLogLikelihoodLoss', versions([12, 13, 22], [13, 22])],
  ['NonMaxSuppression', versions([10, 11], [11])],
  ['RegexFullMatch', versions([20])],
  ['RoiAlign', versions([10, 16, 22], [22])],
  ['RotaryEmbedding', versions([23])],
  ['STFT', versions([17])],
  ['SequenceMap', versions([17])],
  ['SoftmaxCrossEntropyLoss', versions([12, 13], [13])],
  ['StringConcat', versions([20])],
  ['StringNormalizer', versions([10])],
  ['StringSplit', versions([20])],
  ['TensorScatter', versions([24])],
  ['TfIdfVectorizer', versions([9])],
  ['Unique', versions([11])],
]);

const stringOf = (node: Node, name: string): string | undefined => {
  const a = node.attrs.get(name);
  return a?.kind === 'string' ? attrText(a.value) : undefined;
};

/** Renames the value of an attribute; others stay. */
const renamed =
  (name: string, names: ReadonlyMap<string, string>): Move =>
  (node) => {
    const next = names.get(stringOf(node, name) ?? '');
    return next === undefined ? undefined : (edit) => edit.setAttr(node, attrOf.string(name, next));
  };

const MODES = new Map([
  ['bilinear', 'linear'],
  ['bicubic', 'cubic'],
]);
const OLD_MODES = new Map(Array.from(MODES, ([old, now]) => [now, old]));

export const UNDECLARED_CHANGES: readonly OpsetChange[] = [
  {
    op: 'GridSample',
    version: 20,
    changes: "modes 'linear' and 'cubic' were 'bilinear' and 'bicubic'; more than two spatial axes",
    up: renamed('mode', MODES),
    down: (node, at) =>
      rankOf(node.inputs[0]) === 4
        ? renamed('mode', OLD_MODES)(node, at)
        : refuse('it is not proven to have two spatial axes, as before opset 20'),
  },
  {
    op: 'RoiAlign',
    version: 16,
    changes: "coordinate_transformation_mode came; before, it was 'output_half_pixel'",
    up: (node) => (edit) => edit.setAttr(node, attrOf.string('coordinate_transformation_mode', 'output_half_pixel')),
    down: (node) =>
      stringOf(node, 'coordinate_transformation_mode') === 'output_half_pixel'
        ? (edit) => edit.removeAttr(node, 'coordinate_transformation_mode')
        : refuse("coordinates by 'half_pixel' came with opset 16"),
  },
];
