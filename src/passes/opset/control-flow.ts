import { Gemm, Loop, Scan } from '../../ops/index.js';
import { tensor } from '../../tensor/tensor.js';
import { dtypeOf } from '../../ops/tensors.js';
import { bytesOf } from '../../tensor/dtype.js';
import { rawInts } from './axes.js';
import { constant, nameFor, of, type OpsetChange, refuse, setInput } from './step.js';

const batched = refuse('before opset 9 it runs once for each entry of a batch on axis 0, and its body does not');

export const CONTROL_FLOW_CHANGES: readonly OpsetChange[] = [
  {
    op: 'Scan',
    version: 9,
    changes: 'the batch axis and sequence_lens went; axes came',
    up: () => batched,
    down: () => batched,
  },
  {
    op: 'Scan',
    version: 11,
    changes: 'axes may count from the back',
    down: of(Scan, (node) => {
      const negative = ['scan_input_axes', 'scan_output_axes'].some((name) => rawInts(node, name)?.some((a) => a < 0n));
      return negative ? refuse('axes count from the back, which came with opset 11') : undefined;
    }),
  },
  {
    op: 'Loop',
    version: 11,
    changes: 'may have no states',
    down: of(Loop, (node) =>
      node.in.states.length === 0 ? refuse('a Loop without states came with opset 11') : undefined,
    ),
  },
];

export const LINEAR_CHANGES: readonly OpsetChange[] = [
  {
    op: 'Gemm',
    version: 11,
    changes: 'c may be left out',
    down: of(Gemm, (node) => {
      if (node.in.c) return undefined;
      const dtype = dtypeOf(node.in.a);
      if (dtype === 'undefined')
        return refuse('its element type is not known, which the zeros before opset 11 must have');
      return (edit) => {
        const zero = tensor(dtype, [1], new Uint8Array(bytesOf(dtype, 1)));
        setInput(edit, node, 2, constant(edit, node, zero, nameFor(node, 'zero')));
      };
    }),
  },
];
