import { Cast } from '../../ops/index.js';
import { dtypeOf } from '../../ops/tensors.js';
import { type DType, dtypeOfCode } from '../../tensor/dtype.js';
import { producer } from '../match.js';
import { notApplicable, rule, skip } from '../rule.js';

/** Types that hold every number of another one. */
const WIDER: Partial<Record<DType, readonly DType[]>> = {
  bool: ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float16', 'float32', 'float64'],
  uint8: ['uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float16', 'float32', 'float64'],
  int8: ['int16', 'int32', 'int64', 'float16', 'float32', 'float64'],
  uint16: ['uint32', 'int32', 'uint64', 'int64', 'float32', 'float64'],
  int16: ['int32', 'int64', 'float32', 'float64'],
  uint32: ['uint64', 'int64', 'float64'],
  int32: ['int64', 'float64'],
  float16: ['float32', 'float64'],
  bfloat16: ['float32', 'float64'],
  float32: ['float64'],
};

export const castChain = rule({
  name: 'cast-chain',
  doc: 'Cast(Cast(x, t), u) with t wider than the type of x -> Cast(x, u), or x where u is its type',
  root: Cast,
  apply(node, edit) {
    const { y } = node.out;
    const inner = producer(node.in.x, Cast);
    if (!inner) return notApplicable('not-a-chain');
    const { x } = inner.in;
    const [from, over, to] = [dtypeOf(x), dtypeOfCode(inner.attr.to), dtypeOfCode(node.attr.to)];
    if (from === 'undefined' || !over || !to || !WIDER[from]?.includes(over)) return skip('cast-narrows');
    if (from === to && edit.canReplaceUses(y, x)) edit.replaceUses(y, x);
    else if (from !== to && to !== 'string') edit.setInput(node, 0, x);
    else return notApplicable('renames-boundary');
  },
});
