import { CnnxError } from '../base/errors.js';
import { decodeName, encodeName, printable } from '../base/text.js';
import { bytesOf, type DType, elementCount } from '../tensor/dtype.js';
import { asFloat64, fromFloat64, isFloat, stringTensor, type Tensor, tensor } from '../tensor/tensor.js';

/*
 * Tensors and requests of the Open Inference Protocol, version 2 (kserve/open-inference-protocol, Apache-2.0), with the binary tensor data
 * extension of Triton: a JSON header, whose length an HTTP header says, and the tensors' bytes behind it in the order of the JSON.
 */

/** The name of the HTTP header with the length of the JSON, where tensors follow it as bytes. */
export const HEADER_LENGTH = 'inference-header-content-length';

const DATATYPES: readonly (readonly [string, DType])[] = [
  ['BOOL', 'bool'],
  ['UINT8', 'uint8'],
  ['UINT16', 'uint16'],
  ['UINT32', 'uint32'],
  ['UINT64', 'uint64'],
  ['INT8', 'int8'],
  ['INT16', 'int16'],
  ['INT32', 'int32'],
  ['INT64', 'int64'],
  ['FP16', 'float16'],
  ['FP32', 'float32'],
  ['FP64', 'float64'],
  ['BF16', 'bfloat16'],
  ['BYTES', 'string'],
];
const TO_DTYPE = new Map(DATATYPES);
const TO_DATATYPE = new Map(DATATYPES.map(([a, b]) => [b, a]));

/** The protocol's name of an element type; undefined where it has none. */
export const datatypeOf = (dtype: DType): string | undefined => TO_DATATYPE.get(dtype);

export interface InferenceRequest {
  readonly id: string | undefined;
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** Outputs that are asked for, and whether as bytes; all of them, if none is named. */
  readonly outputs: ReadonlyMap<string, { readonly binary: boolean }> | undefined;
  /** Of outputs that are not named one by one. */
  readonly binaryOutputs: boolean;
}

const refuse = (message: string, hint?: string): CnnxError => new CnnxError('serve/request', message, { hint });

/**
 * A request from its body. `headerLength` is the length of its JSON where bytes follow. `maxBytes` bounds the tensors that JSON may ask for. Throws
 * `serve/request` for whatever is not a request.
 */
export function readRequest(body: Uint8Array, headerLength: number | undefined, maxBytes: number): InferenceRequest {
  if (headerLength !== undefined && (!Number.isInteger(headerLength) || headerLength < 0 || headerLength > body.length))
    throw refuse(`Inference-Header-Content-Length is ${headerLength}; the body has ${body.length} bytes`);
  const json = record(parseJson(headerLength === undefined ? body : body.subarray(0, headerLength)), 'the request');
  let at = headerLength ?? body.length;
  const inputs = new Map<string, Tensor>();
  for (const value of list(json['inputs'], 'inputs')) {
    const input = record(value, 'an input');
    const name = text(input['name'], 'the name of an input');
    if (inputs.has(name)) throw refuse(`the input ${printable(name)} is given twice`);
    const dtype = TO_DTYPE.get(text(input['datatype'], `the datatype of ${printable(name)}`));
    if (!dtype)
      throw refuse(
        `the datatype ${printable(String(input['datatype']))} of ${printable(name)} is none of ${[...TO_DTYPE.keys()].join(', ')}`,
      );
    const shape = list(input['shape'], `the shape of ${printable(name)}`).map((d) => {
      if (typeof d !== 'number' || !Number.isSafeInteger(d) || d < 0)
        throw refuse(
          `the shape of ${printable(name)} has ${printable(JSON.stringify(d) ?? 'nothing')} among its sizes`,
        );
      return d;
    });
    const count = elementCount(shape);
    if (!Number.isSafeInteger(count) || (dtype !== 'string' && bytesOf(dtype, count) > maxBytes))
      throw refuse(`${printable(name)} has the shape [${shape.join()}]: more than ${maxBytes} bytes`);
    const size = record(input['parameters'] ?? {}, `the parameters of ${printable(name)}`)['binary_data_size'];
    if (size === undefined) inputs.set(name, fromJson(name, dtype, shape, input['data']));
    else {
      if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || at + size > body.length)
        throw refuse(
          `${printable(name)} has binary_data_size ${printable(JSON.stringify(size) ?? '')}; ${body.length - at} bytes are left`,
        );
      inputs.set(name, fromBytes(name, dtype, shape, body.subarray(at, at + size)));
      at += size;
    }
  }
  if (headerLength !== undefined && at !== body.length)
    throw refuse(`${body.length - at} bytes of the body belong to no input`);
  const parameters = record(json['parameters'] ?? {}, 'the parameters');
  return {
    id: json['id'] === undefined ? undefined : text(json['id'], 'id'),
    inputs,
    outputs: json['outputs'] === undefined ? undefined : askedFor(json['outputs']),
    binaryOutputs: parameters['binary_data_output'] === true,
  };
}

function askedFor(value: unknown): ReadonlyMap<string, { readonly binary: boolean }> | undefined {
  const outputs = list(value, 'outputs').map((item) => {
    const output = record(item, 'an output');
    const parameters = record(output['parameters'] ?? {}, 'the parameters of an output');
    return [text(output['name'], 'the name of an output'), { binary: parameters['binary_data'] === true }] as const;
  });
  return outputs.length === 0 ? undefined : new Map(outputs);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    throw refuse('the body is not JSON', 'send application/json, or say Inference-Header-Content-Length');
  }
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(`${what} is not a JSON object`);
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(`${what} is not a list`);
  return value as readonly unknown[];
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw refuse(`${what} is not a string`);
  return value;
}

function fromBytes(name: string, dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor {
  if (dtype === 'string') return stringTensor(shape, lengthPrefixed(name, bytes, elementCount(shape)));
  const size = bytesOf(dtype, elementCount(shape));
  if (bytes.length !== size)
    throw refuse(
      `${printable(name)} ${dtype}[${shape.join()}] takes ${size} bytes; binary_data_size is ${bytes.length}`,
    );
  return tensor(dtype, shape, bytes);
}

/** Each element behind its length, four bytes little-endian. */
function lengthPrefixed(name: string, bytes: Uint8Array, count: number): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: Uint8Array[] = [];
  let at = 0;
  while (at + 4 <= bytes.length && out.length < count) {
    const size = view.getUint32(at, true);
    if (at + 4 + size > bytes.length) break;
    out.push(bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  if (out.length !== count || at !== bytes.length)
    throw refuse(`${printable(name)} has ${count} elements; its ${bytes.length} bytes hold ${out.length} whole ones`);
  return out;
}

/** From numbers, booleans or strings, flat or nested as the shape says. */
function fromJson(name: string, dtype: DType, shape: readonly number[], data: unknown): Tensor {
  const flat: unknown[] = [];
  flatten(list(data, `the data of ${printable(name)}`), flat, elementCount(shape), 0);
  const count = elementCount(shape);
  if (flat.length !== count)
    throw refuse(
      `${printable(name)} has the shape [${shape.join()}], ${count} elements; its data has ${flat.length > count ? 'more' : flat.length}`,
    );
  const bad = flat.find((v) => typeof v !== (dtype === 'string' ? 'string' : dtype === 'bool' ? 'boolean' : 'number'));
  if (bad !== undefined)
    throw refuse(`${printable(name)} is ${dtype}, and its data has ${printable(JSON.stringify(bad))}`);
  if (dtype === 'string')
    return stringTensor(
      shape,
      flat.map((v) => encodeName(String(v))),
    );
  if (isFloat(dtype)) return fromFloat64(dtype, shape, Float64Array.from(flat, Number));
  return integers(name, dtype, shape, flat.map(Number));
}

const MAX_NESTING = 32;

function flatten(data: readonly unknown[], out: unknown[], limit: number, depth: number): void {
  if (depth > MAX_NESTING) throw refuse(`data is nested more than ${MAX_NESTING} deep`);
  for (const value of data) {
    if (Array.isArray(value)) flatten(value, out, limit, depth + 1);
    else out.push(value);
    if (out.length > limit) return;
  }
}

interface IntegerType {
  readonly low: number;
  readonly high: number;
  readonly array: (values: readonly number[]) => ArrayBufferView;
}

const INTEGERS: Partial<Record<DType, IntegerType>> = {
  bool: { low: 0, high: 1, array: (v) => Uint8Array.from(v) },
  uint8: { low: 0, high: 2 ** 8 - 1, array: (v) => Uint8Array.from(v) },
  uint16: { low: 0, high: 2 ** 16 - 1, array: (v) => Uint16Array.from(v) },
  uint32: { low: 0, high: 2 ** 32 - 1, array: (v) => Uint32Array.from(v) },
  uint64: { low: 0, high: Number.MAX_SAFE_INTEGER, array: (v) => BigUint64Array.from(v, BigInt) },
  int8: { low: -(2 ** 7), high: 2 ** 7 - 1, array: (v) => Int8Array.from(v) },
  int16: { low: -(2 ** 15), high: 2 ** 15 - 1, array: (v) => Int16Array.from(v) },
  int32: { low: -(2 ** 31), high: 2 ** 31 - 1, array: (v) => Int32Array.from(v) },
  int64: { low: Number.MIN_SAFE_INTEGER, high: Number.MAX_SAFE_INTEGER, array: (v) => BigInt64Array.from(v, BigInt) },
};

function integers(name: string, dtype: DType, shape: readonly number[], values: readonly number[]): Tensor {
  const type = INTEGERS[dtype];
  if (!type) throw refuse(`${printable(name)}: tensors of ${dtype} are taken as bytes only`);
  const bad = values.find((v) => !Number.isInteger(v) || v < type.low || v > type.high);
  if (bad !== undefined)
    throw refuse(`${printable(name)} is ${dtype}, which cannot hold ${bad}`, 'larger integers go as bytes');
  const array = type.array(values);
  return tensor(dtype, shape, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}

/** A request as its body, and the length of its JSON where the tensors follow it as bytes. */
export function writeRequest(
  inputs: ReadonlyMap<string, Tensor>,
  options: { readonly binary: boolean; readonly id?: string | undefined },
): { readonly json: string; readonly tail: readonly Uint8Array[] } {
  const parts = Array.from(inputs, ([name, t]) => outputPart(name, t, options.binary));
  const request = {
    ...(options.id !== undefined && { id: options.id }),
    inputs: parts.map((p) => p.json),
    ...(options.binary && { parameters: { binary_data_output: true } }),
  };
  return { json: JSON.stringify(request), tail: parts.flatMap((p) => p.bytes ?? []) };
}

export interface ResponseHead {
  readonly model: string;
  readonly version: string;
  readonly id: string | undefined;
}

/** A response: its JSON, and the bytes of the outputs that were asked for as bytes, in order. */
export function writeResponse(
  head: ResponseHead,
  outputs: ReadonlyMap<string, Tensor>,
  isBinary: (name: string) => boolean,
): { readonly json: string; readonly tail: readonly Uint8Array[] } {
  const parts = Array.from(outputs, ([name, t]) => outputPart(name, t, isBinary(name)));
  const response = {
    model_name: head.model,
    model_version: head.version,
    ...(head.id !== undefined && { id: head.id }),
    outputs: parts.map((p) => p.json),
  };
  return { json: JSON.stringify(response), tail: parts.flatMap((p) => p.bytes ?? []) };
}

function outputPart(name: string, t: Tensor, binary: boolean): { readonly json: object; readonly bytes?: Uint8Array } {
  const datatype = datatypeOf(t.dtype);
  if (datatype === undefined)
    throw new CnnxError('serve/request', `the protocol has no type for ${printable(name)}, which is ${t.dtype}`);
  const common = { name, datatype, shape: t.shape };
  if (!binary) return { json: { ...common, data: jsonData(t) } };
  const bytes = t.strings ? prefixed(t.strings()) : t.bytes();
  return { json: { ...common, parameters: { binary_data_size: bytes.length } }, bytes };
}

function prefixed(strings: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(strings.reduce((n, s) => n + 4 + s.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const s of strings) {
    view.setUint32(at, s.length, true);
    out.set(s, at + 4);
    at += 4 + s.length;
  }
  return out;
}

/** Flat, row-major. JSON has no NaN and no infinity: they are null, as JSON.stringify writes them; ask for bytes to tell them apart. */
function jsonData(t: Tensor): readonly unknown[] {
  if (t.strings) return t.strings().map(decodeName);
  const values = asFloat64(t);
  return t.dtype === 'bool' ? Array.from(values, (v) => v !== 0) : Array.from(values);
}

/** The outputs of a response, from its body. Throws `serve/request` for what is no response. */
export function readResponse(body: Uint8Array, headerLength: number | undefined): ReadonlyMap<string, Tensor> {
  const json = record(parseJson(headerLength === undefined ? body : body.subarray(0, headerLength)), 'the response');
  let at = headerLength ?? body.length;
  const outputs = new Map<string, Tensor>();
  for (const value of list(json['outputs'], 'outputs')) {
    const output = record(value, 'an output');
    const name = text(output['name'], 'the name of an output');
    const dtype = TO_DTYPE.get(text(output['datatype'], `the datatype of ${printable(name)}`));
    if (!dtype) throw refuse(`the datatype of ${printable(name)} is not one of the protocol`);
    const shape = list(output['shape'], `the shape of ${printable(name)}`).map(Number);
    const size = record(output['parameters'] ?? {}, 'parameters')['binary_data_size'];
    if (typeof size === 'number') {
      if (at + size > body.length) throw refuse(`${printable(name)} says ${size} bytes; ${body.length - at} are left`);
      outputs.set(name, fromBytes(name, dtype, shape, body.subarray(at, at + size)));
      at += size;
    } else outputs.set(name, fromJson(name, dtype, shape, output['data']));
  }
  return outputs;
}
