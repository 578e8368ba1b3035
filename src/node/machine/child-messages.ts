import type { ErrorCode, Where } from '../../base/errors.js';
import type { DType } from '../../tensor/dtype.js';
import { stringTensor, type Tensor, tensor } from '../../tensor/tensor.js';
import type { Drawing } from '../../running/draw.js';
import type { Port } from '../../running/session.js';
import type { OrtSessionOptions } from '../onnxruntime/session.js';

/** A tensor as it crosses between processes. */
export interface WireTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array | readonly Uint8Array[];
}

export type Request =
  | { readonly kind: 'load'; readonly model: string | Uint8Array; readonly options: OrtSessionOptions }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly feeds: ReadonlyMap<string, WireTensor>;
      readonly fetches: readonly string[] | undefined;
    }
  | {
      readonly kind: 'time';
      readonly session: number;
      /** Absent: those of the last time. */
      readonly feeds: ReadonlyMap<string, WireTensor> | undefined;
      readonly count: number;
    }
  | { readonly kind: 'draw'; readonly drawing: Drawing }
  | { readonly kind: 'usage' }
  | { readonly kind: 'release'; readonly session: number };

export interface Loaded {
  readonly session: number;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** What the process has used so far. */
export interface Usage {
  /** The largest resident size, in bytes. */
  readonly peakMemory: number;
}

export type Answer = Loaded | ReadonlyMap<string, WireTensor> | readonly number[] | Usage | undefined;

export interface Failure {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly at: Where;
}

export type Reply =
  | { readonly id: number; readonly value: Answer }
  | { readonly id: number; readonly failure: Failure };

export const toWire = (tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, WireTensor> =>
  new Map(
    [...tensors].map(([name, t]) => [name, { dtype: t.dtype, shape: t.shape, bytes: t.strings?.() ?? t.bytes() }]),
  );

export const fromWire = (tensors: ReadonlyMap<string, WireTensor>): ReadonlyMap<string, Tensor> =>
  new Map(
    [...tensors].map(([name, { dtype, shape, bytes }]) => [
      name,
      bytes instanceof Uint8Array ? tensor(dtype, shape, bytes) : stringTensor(shape, bytes),
    ]),
  );
