import { DequantizeLinear, QuantizeLinear } from '../../ops/index.js';
import { dtypeOf, shapeOf } from '../../ops/tensors.js';
import { type DType, dtypeCode, dtypeOfCode, elementCount } from '../../tensor/dtype.js';
import { tensor } from '../../tensor/tensor.js';
import type { Shape } from '../../graph/types.js';
import { constant, type Move, nameFor, of, type OpsetChange, refuse, setInput } from './step.js';

/* QuantizeLinear and DequantizeLinear: axes, blocks, and the types of outputs. */

const EIGHT_BITS: ReadonlySet<DType> = new Set(['int8', 'uint8']);

/** Whether there is one scale for all of x, as opsets before 13 have it. */
const isScalar = (shape: Shape | undefined): boolean => shape?.length === 0 || (shape?.length === 1 && shape[0] === 1);

const perTensor = (scale: Shape | undefined) =>
  isScalar(scale)
    ? undefined
    : refuse('its scale is not proven to be one for all of x; scales per axis came with opset 13');

const withoutAxis = (op: typeof QuantizeLinear | typeof DequantizeLinear): Move =>
  of(op, (node) => perTensor(shapeOf(node.inputs[1])) ?? ((edit) => edit.removeAttr(node, 'axis')));

export const QUANTIZATION_CHANGES: readonly OpsetChange[] = [
  { op: 'QuantizeLinear', version: 13, changes: 'scales per axis came', down: withoutAxis(QuantizeLinear) },
  { op: 'DequantizeLinear', version: 13, changes: 'scales per axis came', down: withoutAxis(DequantizeLinear) },
  {
    op: 'QuantizeLinear',
    version: 19,
    changes: 'float8 came, with saturate',
    down: of(QuantizeLinear, (node) => (edit) => edit.removeAttr(node, 'saturate')),
  },
  {
    op: 'QuantizeLinear',
    version: 21,
    changes: 'block_size and output_dtype came',
    down: of(QuantizeLinear, (node) => {
      const { block_size, output_dtype } = node.attr;
      const { scale, zero_point } = node.in;
      if (block_size !== 0) return refuse('block_size came with opset 21');
      const wanted = output_dtype === 0 ? 'uint8' : dtypeOfCode(output_dtype);
      const shape = shapeOf(scale);
      const add = !zero_point && wanted !== 'uint8';
      if (add && (!EIGHT_BITS.has(wanted) || !shape?.every((d) => typeof d === 'number')))
        return refuse(`an output of ${wanted} without a zero point came with opset 21`);
      return (edit) => {
        edit.removeAttr(node, 'block_size');
        edit.removeAttr(node, 'output_dtype');
        if (!add || !shape?.every((d) => typeof d === 'number')) return;
        const zero = tensor(wanted, shape, new Uint8Array(elementCount(shape)));
        setInput(edit, node, 2, constant(edit, node, zero, nameFor(node, 'zero_point')));
      };
    }),
  },
  {
    op: 'QuantizeLinear',
    version: 23,
    changes: 'precision came; the scale may have another type than x',
    down: of(QuantizeLinear, (node) => {
      const [x, scale] = [dtypeOf(node.in.x), dtypeOf(node.in.scale)];
      if (node.attr.precision !== 0 && node.attr.precision !== dtypeCode(x))
        return refuse('precision came with opset 23');
      if (x !== 'int32' && x !== 'undefined' && scale !== x)
        return refuse('a scale of another type than x came with opset 23');
      return (edit) => edit.removeAttr(node, 'precision');
    }),
  },
  {
    op: 'DequantizeLinear',
    version: 23,
    changes: 'output_dtype came',
    down: of(DequantizeLinear, (node) => {
      const { output_dtype } = node.attr;
      if (output_dtype !== 0 && dtypeOfCode(output_dtype) !== dtypeOf(node.in.scale))
        return refuse('an output of another type than the scale came with opset 23');
      return (edit) => edit.removeAttr(node, 'output_dtype');
    }),
  },
];
