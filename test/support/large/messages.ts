/* ONNX messages as bytes, in linear time: nothing of ours takes part. Field numbers are those of onnx.proto. */

type Part = string | Uint8Array | readonly Part[];

export const varint = (value: number): number[] => {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) + 128);
  }
};

const sizeOf = (part: Part): number =>
  typeof part === 'string'
    ? Buffer.byteLength(part)
    : part instanceof Uint8Array
      ? part.length
      : part.reduce<number>((n, p) => n + sizeOf(p), 0);

/** A field of bytes, text, or the fields of a message. */
export const field = (number: number, payload: Part): Uint8Array => {
  const parts: Buffer[] = [];
  const visit = (part: Part): void => {
    if (typeof part === 'string') parts.push(Buffer.from(part));
    else if (part instanceof Uint8Array) parts.push(Buffer.from(part.buffer, part.byteOffset, part.length));
    else part.forEach(visit);
  };
  visit(payload);
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(sizeOf(payload))]), ...parts]);
};

export const int = (number: number, value: number): Uint8Array =>
  Uint8Array.from([...varint(number * 8), ...varint(value)]);

export type Attr = readonly [name: string, value: number | readonly number[] | Uint8Array | Float32Array];

/** An attribute: an int, ints, a float, or a graph as bytes. */
const attribute = ([name, value]: Attr): Uint8Array => {
  if (value instanceof Uint8Array) return field(5, [field(1, name), field(6, value), int(20, 5)]);
  if (value instanceof Float32Array)
    return field(5, [field(1, name), Uint8Array.of(2 * 8 + 5), new Uint8Array(value.buffer), int(20, 1)]);
  if (typeof value === 'number') return field(5, [field(1, name), int(3, value), int(20, 2)]);
  return field(5, [field(1, name), ...value.map((v) => int(8, v)), int(20, 7)]);
};

export const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attrs: readonly Attr[] = [],
): Uint8Array =>
  field(1, [
    ...inputs.map((name) => field(1, name)),
    ...outputs.map((name) => field(2, name)),
    field(4, op),
    ...attrs.map(attribute),
  ]);

/** A call of a function of the model. */
export const call = (op: string, inputs: readonly string[], output: string): Uint8Array =>
  field(1, [...inputs.map((name) => field(1, name)), field(2, output), field(4, op), field(7, 'own')]);

export const floats = (name: string, dims: readonly number[], values: readonly number[]): Uint8Array =>
  field(5, [
    ...dims.map((d) => int(1, d)),
    int(2, 1),
    field(8, name),
    field(9, new Uint8Array(Float32Array.from(values).buffer)),
  ]);

export const int64s = (name: string, values: readonly number[]): Uint8Array =>
  field(5, [
    int(1, values.length),
    int(2, 7),
    field(8, name),
    field(9, new Uint8Array(BigInt64Array.from(values, BigInt).buffer)),
  ]);

/** A declared tensor: 11 an input, 12 an output, 13 an inner value. */
export const port = (number: number, name: string, dims: readonly number[], type = 1): Uint8Array =>
  field(number, [
    field(1, name),
    field(
      2,
      field(1, [
        int(1, type),
        field(
          2,
          dims.map((d) => field(1, int(1, d))),
        ),
      ]),
    ),
  ]);
