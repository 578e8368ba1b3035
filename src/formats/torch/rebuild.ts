import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { TORCH_DTYPES } from './names.js';
import { Storage, viewTensor } from './storage.js';
import { describeValue, GlobalName, type PickleValue } from './values.js';

/**
 * `_rebuild_tensor(storage, offset, size, stride)`; what version 2 adds (requires_grad, hooks, metadata) does not
 * concern the values.
 */
export function rebuildTensor([storage, offset, shape, strides]: readonly PickleValue[]): PickleValue {
  const memory = storageOf(storage);
  const dtype = memory.type;
  if (dtype === 'untyped') throw new CnnxError('torch/tensor', `storage ${printable(memory.key)} has no element type`);
  return viewTensor(memory, { dtype, offset: whole(offset), shape: sizes(shape), strides: sizes(strides) });
}

/**
 * `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, metadata)`: types that have no
 * storage class.
 */
export function rebuildTyped([storage, offset, shape, strides, , , type]: readonly PickleValue[]): PickleValue {
  const dtype = type instanceof GlobalName ? TORCH_DTYPES.get(type.path) : undefined;
  if (!dtype) throw new CnnxError('torch/unsupported', `a tensor has element type ${describeValue(type)}`);
  return viewTensor(storageOf(storage), { dtype, offset: whole(offset), shape: sizes(shape), strides: sizes(strides) });
}

/** Quantized, sparse and data-free tensors. */
export function rebuildWithoutStorage(_: readonly PickleValue[], name: GlobalName): PickleValue {
  const kind = name.name.includes('sparse')
    ? 'sparse'
    : name.name.includes('meta')
      ? 'without data (device meta)'
      : 'quantized';
  throw new CnnxError(
    'torch/unsupported',
    `a tensor is ${kind}; only dense tensors of plain element types can be read`,
    {
      hint: kind === 'quantized' ? 'save the float model' : 'save it as a dense tensor',
    },
  );
}

function storageOf(value: PickleValue | undefined): Storage {
  if (value instanceof Storage) return value;
  throw new CnnxError('torch/tensor', 'a tensor is rebuilt from something that is not a storage');
}

function whole(value: PickleValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new CnnxError(
    'torch/tensor',
    `a size, stride or offset of a tensor is not a whole number from 0 up: ${describeValue(value)}`,
  );
}

function sizes(value: PickleValue | undefined): number[] {
  if (Array.isArray(value)) return value.map(whole);
  throw new CnnxError('torch/tensor', 'the sizes or strides of a tensor are not a tuple');
}
