import { attrOf } from '../../graph/attr.js';
import type { Value } from '../../graph/ir.js';
import type { Shape } from '../../graph/types.js';
import { constantOf, Resize, Resize10, Upsample7, Upsample9 } from '../../ops/index.js';
import { dtypeOf, shapeOf } from '../../ops/tensors.js';
import { asFloat64, float32Tensor, fromFloat64, isNumeric } from '../../tensor/tensor.js';
import { constant, int64Constant, nameFor, of, type OpsetChange, refuse, setInput, type Step } from './step.js';

/*
 * Upsample, which became Resize in opset 10. Until then a coordinate x of the result is taken from x / scale ("asymmetric"); the nearest pixel
 * is the one before it, or after it where the result is smaller.
 */

/** The factors of a constant. */
const floatsOf = (value: Value | undefined): readonly number[] | undefined => {
  const held = constantOf(value);
  return held && isNumeric(held.dtype) ? Array.from(asFloat64(held)) : undefined;
};

/** Exporters write an empty tensor for an input that is not given. */
const isEmpty = (value: Value | undefined): boolean => shapeOf(value)?.[0] === 0;

/** How the pixel before or after is chosen, in the words of opset 11. Undefined where both kinds of axes are there, or not known. */
function nearestMode(scales: readonly number[] | undefined): 'floor' | 'ceil' | undefined {
  if (scales?.every((s) => s >= 1)) return 'floor';
  return scales?.every((s) => s <= 1) ? 'ceil' : undefined;
}

/** The scale of each axis, where both are known and give the sizes of the result. */
function scalesOf(x: Value, y: Value, scales: Value | undefined, sizes: Value | undefined, at: Step) {
  if (scales && !isEmpty(scales)) return floatsOf(scales);
  const [input, output] = [shapeOf(x), at.numbers(sizes) ?? shapeOf(y)];
  const found = output?.map((size, i) => {
    const whole = input?.[i];
    if (typeof size !== 'number' || typeof whole !== 'number') return undefined;
    const scale = Math.fround(size / whole);
    return Math.floor(Math.fround(whole * scale)) === size ? scale : undefined;
  });
  return found?.every((s) => s !== undefined) ? found : undefined;
}

/** Whether nearest pixels are the same by centres ("half_pixel") and by x / scale: for whole factors the centre lies within the pixel. */
const isWhole = (scales: readonly number[]): boolean => scales.every((s) => Number.isInteger(s) && s >= 1);

/** Whether the result is larger, or smaller, by exactly one factor on all of `axes`. */
function sameRatio(input: Shape | undefined, output: Shape | undefined, axes: readonly number[] | undefined): boolean {
  if (!input || !output) return false;
  const ratios = (axes ?? input.map((_, i) => i)).map((a) => Number(output.at(a)) / Number(input.at(a)));
  return ratios.every((r) => r === ratios[0]);
}

export const RESIZE_CHANGES: readonly OpsetChange[] = [
  {
    op: 'Upsample',
    version: 9,
    changes: 'scales became an input',
    up: of(Upsample7, (node) => {
      const { scales } = node.attr;
      return (edit) => {
        edit.removeAttr(node, 'scales');
        const data = float32Tensor([scales.length], scales);
        setInput(edit, node, 1, constant(edit, node, data, nameFor(node, 'scales')));
      };
    }),
    down: of(Upsample9, (node) => {
      const { x, scales } = node.in;
      const factors = floatsOf(scales);
      if (!factors) return refuse('scales are computed; before opset 9 they are an attribute');
      return (edit) => {
        edit.setInputList(node, [x]);
        edit.setAttr(node, attrOf.floats('scales', factors));
      };
    }),
  },
  {
    op: 'Upsample',
    version: 10,
    changes: 'became Resize',
    up: of(Upsample9, (node) => {
      const { x, scales } = node.in;
      return (edit) => void edit.replace(node, Resize10, { x, scales }, {}, { attrsFrom: node });
    }),
  },
  {
    op: 'Resize',
    version: 10,
    changes: 'was Upsample',
    down: of(Resize10, (node) => {
      const { x, scales } = node.in;
      const factors = floatsOf(scales);
      if (!factors?.every((s) => s >= 1)) return refuse('it may make something smaller, which Upsample does not');
      return (edit) => void edit.replace(node, Upsample9, { x, scales }, {}, { attrsFrom: node });
    }),
  },
  {
    op: 'Resize',
    version: 11,
    changes: 'coordinates and rounding became attributes, roi and sizes inputs',
    up: of(Resize10, (node) => {
      const { x, scales } = node.in;
      const { mode } = node.attr;
      const nearest = mode === 'nearest' ? nearestMode(floatsOf(scales)) : 'floor';
      if (!nearest)
        return refuse('scales are computed, or larger and smaller than 1, and the nearest pixel depends on that');
      return (edit) => {
        const roi = constant(edit, node, float32Tensor([0], []), nameFor(node, 'roi'));
        edit.setInputList(node, [x, roi, scales]);
        edit.setAttr(node, attrOf.string('coordinate_transformation_mode', 'asymmetric'));
        if (mode === 'nearest') edit.setAttr(node, attrOf.string('nearest_mode', nearest));
      };
    }),
    down: of(Resize, (node, at) => {
      const { x, scales, sizes } = node.in;
      const { mode, nearest_mode, coordinate_transformation_mode: coordinates } = node.attr;
      if (mode === 'cubic') return refuse("mode 'cubic' came with opset 11");
      const factors = scalesOf(x, node.out.y, scales, sizes, at);
      if (!factors)
        return refuse('scales are computed or do not give the sizes; before opset 11 there are only scales');
      const centres = coordinates === 'half_pixel' && nearest_mode.startsWith('round') && isWhole(factors);
      const same = mode === 'nearest' && (factors.every((s) => s === 1) || centres);
      if (!same && coordinates !== 'asymmetric')
        return refuse(`coordinates by '${coordinates}', which came with opset 11; before, by 'asymmetric'`);
      if (!same && mode === 'nearest' && nearest_mode !== nearestMode(factors))
        return refuse(`nearest_mode '${nearest_mode}', which came with opset 11`);
      const given = scales && !isEmpty(scales) ? scales : undefined;
      return (edit) => {
        const data = float32Tensor([factors.length], factors);
        edit.setInputList(node, [x, given ?? constant(edit, node, data, nameFor(node, 'scales'))]);
        for (const name of node.attrs.keys()) if (name !== 'mode') edit.removeAttr(node, name);
      };
    }),
  },
  {
    op: 'Resize',
    version: 13,
    changes: "roi and scales may be left out; 'tf_half_pixel_for_nn' went",
    up: of(Resize, (node) => {
      if (node.attr.coordinate_transformation_mode === 'tf_half_pixel_for_nn')
        return refuse("coordinates by 'tf_half_pixel_for_nn' went with opset 13");
      const empty = [1, 2].filter((i) => isEmpty(node.inputs[i]));
      if (empty.length === 0) return undefined;
      return (edit) => {
        for (const i of empty) setInput(edit, node, i, undefined);
      };
    }),
    down: of(Resize, (node) => {
      const { x, roi, scales, sizes } = node.in;
      if (roi && scales) return undefined;
      const dtype = dtypeOf(roi);
      return (edit) => {
        const none = (type: 'float16' | 'float32' | 'float64', what: string): Value =>
          constant(edit, node, fromFloat64(type, [0], new Float64Array(0)), nameFor(node, what));
        const all = [x, roi ?? none('float32', 'roi'), scales ?? none('float32', 'scales'), sizes];
        edit.setInputList(node, sizes || dtype === 'undefined' ? all.filter((v) => v !== undefined) : all.slice(0, 3));
      };
    }),
  },
  {
    op: 'Resize',
    version: 18,
    changes: 'antialias, axes and keep_aspect_ratio_policy came',
    down: of(Resize, (node) => {
      const { x, roi, scales, sizes } = node.in;
      const { antialias, axes, keep_aspect_ratio_policy: policy, mode } = node.attr;
      const output = shapeOf(node.out.y);
      const rank = shapeOf(x)?.length;
      if (antialias !== 0 && mode !== 'nearest') return refuse('antialias came with opset 18');
      const keepsRatio = policy !== 'stretch' && sizes !== undefined && !isEmpty(sizes);
      const partial = axes !== undefined && !(axes.length === rank && axes.every((a, i) => a === i));
      if (partial && roi && !isEmpty(roi) && node.attr.coordinate_transformation_mode === 'tf_crop_and_resize')
        return refuse('axes came with opset 18, and the region of interest is given for some only');
      const whole = output?.every((d) => typeof d === 'number') ? output : undefined;
      const bySizes = sizes && !isEmpty(sizes);
      const factors = bySizes ? undefined : floatsOf(scales);
      if (bySizes && (partial || keepsRatio) && !whole)
        return refuse('axes or keep_aspect_ratio_policy came with opset 18, and the sizes of the result are not known');
      if (!bySizes && partial && (!factors || rank === undefined))
        return refuse('axes came with opset 18, and scales are computed or the rank is not known');
      // With a ratio to keep there is one scale for all axes; without, each axis has that of its rounded size.
      if (keepsRatio && !sameRatio(shapeOf(x), whole, axes))
        return refuse('keep_aspect_ratio_policy came with opset 18: sizes alone give another scale');
      const all = Array.from({ length: rank ?? 0 }, () => 1);
      axes?.forEach((axis, i) => {
        all[axis < 0 ? axis + (rank ?? 0) : axis] = factors?.[i] ?? 1;
      });
      return (edit) => {
        for (const name of ['antialias', 'axes', 'keep_aspect_ratio_policy']) edit.removeAttr(node, name);
        if (bySizes && (partial || keepsRatio) && whole)
          setInput(edit, node, 3, int64Constant(edit, node, whole, 'sizes'));
        if (!bySizes && partial)
          setInput(edit, node, 2, constant(edit, node, float32Tensor([all.length], all), nameFor(node, 'scales')));
        if (partial && roi) setInput(edit, node, 1, undefined);
      };
    }),
  },
  {
    op: 'Resize',
    version: 19,
    changes: "'half_pixel_symmetric' came",
    down: of(Resize, (node) =>
      node.attr.coordinate_transformation_mode === 'half_pixel_symmetric'
        ? refuse("coordinates by 'half_pixel_symmetric' came with opset 19")
        : undefined,
    ),
  },
];
