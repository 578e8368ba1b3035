import { printable } from '../../base/text.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Storage, type StorageType } from './storage.js';

/**
 * What a pickle can hold here. Tuples, lists and sets are arrays; `None` is null; nothing is ever an executable thing.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Tensor
  | Storage
  | GlobalName
  | Instance
  | PickleValue[]
  | Dict;

export type Dict = Map<PickleValue, PickleValue>;

/** A class or function by name. A name is all that there is: nothing is looked up or imported. */
export class GlobalName {
  constructor(
    readonly module: string,
    readonly name: string,
    /** Set where the name stands for a storage class. */
    readonly storage?: StorageType,
  ) {}

  /** Module and name, as Python would import it. */
  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** An object of a class that is only known by name, with the state that the file gives it. */
export class Instance {
  state: PickleValue = null;
  readonly items: Dict = new Map();
  readonly list: PickleValue[] = [];

  constructor(readonly type: GlobalName) {}

  /** A named part of its state, if the state is a dictionary. */
  get(field: string): PickleValue | undefined {
    return this.state instanceof Map ? this.state.get(field) : undefined;
  }
}

/** A value in a few words, for messages. */
export function describeValue(value: PickleValue | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (value instanceof GlobalName) return printable(value.path, 80);
  if (value instanceof Instance) return `an object of class ${printable(value.type.path, 80)}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return `a dictionary of ${value.size}`;
  if (value instanceof Storage) return 'a bare storage';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'object') return 'a tensor without a name';
  return printable(String(value), 40);
}
