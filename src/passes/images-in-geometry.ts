import type { Editor } from '../graph/edit.js';
import type { Graph, Node, Value } from '../graph/ir.js';
import {
  Add,
  Cast,
  Clip,
  Concat,
  Div,
  Floor,
  Gather,
  MatMul,
  Max,
  Mul,
  Pad,
  Range,
  ReduceMin,
  Resize,
} from '../ops/index.js';
import { ShapeOp, Slice, Sub } from '../ops/index.js';
import { dtypeCode } from '../tensor/dtype.js';
import { centre, fitShorterSide, nearestLine, resizeTable } from '../tensor/image.js';
import type { ImageSteps } from '../tensor/preprocess.js';
import { float32Tensor, int64Tensor, type Tensor } from '../tensor/tensor.js';

/** Where nodes go that come before all others. */
export interface Front {
  readonly edit: Editor;
  readonly graph: Graph;
  /** The first node of the model itself. */
  readonly before: Node | undefined;
}

/** Height and width in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** The operator set whose Resize widens its filter when it shrinks (antialias), as Pillow does. */
export const ANTIALIAS_OPSET = 18;

export const constant = ({ edit, graph }: Front, data: Tensor, hint: string): Value => edit.constant(graph, data, hint);
const ints = (front: Front, values: readonly number[], hint: string): Value =>
  constant(front, int64Tensor([values.length], values), hint);

export function toFloat(front: Front, x: Value): Value {
  const { edit, graph, before } = front;
  return edit.add(graph, Cast, { x }, { to: dtypeCode('float32') }, { before }).out.y;
}

/** The size that `resize` gives an image. */
export function resizedSize(source: Size, resize: ImageSteps['resize']): Size {
  if (resize === undefined) return source;
  if (typeof resize === 'object') return { height: resize[0], width: resize[1] };
  return fitShorterSide({ ...source, data: new Uint8Array(0) }, resize);
}

/** Resized and cropped: x, pixels N,3,H,W of one size, as uint8 or float32. */
export function fixedGeometry(front: Front, x: Value, steps: ImageSteps, source: Size): Value {
  const target = resizedSize(source, steps.resize);
  const { crop } = steps;
  const kept = { height: Math.min(target.height, crop ?? Infinity), width: Math.min(target.width, crop ?? Infinity) };
  const top = crop === undefined ? 0 : Math.max(0, centre(target.height, crop));
  const left = crop === undefined ? 0 : Math.max(0, centre(target.width, crop));
  const part = { top, left, ...kept };
  const y = sameSize(source, target)
    ? cropped(
        front,
        x,
        ints(front, [top, left], 'crop_start'),
        ints(front, [top + kept.height, left + kept.width], 'crop_end'),
        sameSize(target, kept),
      )
    : resized(front, x, steps.interpolation, source, target, part);
  if (crop === undefined || (kept.height === crop && kept.width === crop)) return y;
  const begin = [kept.height, kept.width].map((n) => Math.floor((crop - n) / 2));
  const end = [kept.height, kept.width].map((n, i) => crop - n - (begin[i] ?? 0));
  return padded(front, y, ints(front, [0, 0, ...begin, 0, 0, ...end], 'crop_pads'));
}

const sameSize = (a: Size, b: Size): boolean => a.height === b.height && a.width === b.width;

interface Part extends Size {
  readonly top: number;
  readonly left: number;
}

/** `part` of x made `target` large. */
function resized(
  front: Front,
  x: Value,
  kind: ImageSteps['interpolation'],
  source: Size,
  target: Size,
  part: Part,
): Value {
  const { edit, graph, before } = front;
  if (kind === 'nearest') {
    const rows = Array.from({ length: part.height }, (_, i) => nearestLine(part.top + i, source.height, target.height));
    const cols = Array.from({ length: part.width }, (_, i) => nearestLine(part.left + i, source.width, target.width));
    return gathered(front, x, ints(front, rows, 'resize_rows'), ints(front, cols, 'resize_columns'));
  }
  if (antialiases(graph) && products(source, part) > MOST_PRODUCTS) {
    const y = antialiased(front, x, kind, ints(front, [target.height, target.width], 'resize_size'));
    const end = ints(front, [part.top + part.height, part.left + part.width], 'crop_end');
    return cropped(front, y, ints(front, [part.top, part.left], 'crop_start'), end, sameSize(target, part));
  }
  const floats = antialiases(graph) ? toFloat(front, x) : x;
  const across = split(resizeTable(source.width, target.width, kind, part.left, part.width));
  const down = split(resizeTable(source.height, target.height, kind, part.top, part.height));
  const columns = (table: Float32Array, hint: string): Value =>
    constant(front, float32Tensor([source.width, part.width], transposed(table, part.width, source.width)), hint);
  const rows = (table: Float32Array, hint: string): Value =>
    constant(front, float32Tensor([part.height, source.height], table), hint);
  const product = (a: Value, b: Value): Value => edit.add(graph, MatMul, { a, b }, {}, { before }).out.y;
  const narrow = rounded(
    front,
    product(floats, columns(across.high, 'resize_columns')),
    product(floats, columns(across.low, 'resize_columns_low')),
  );
  return rounded(
    front,
    product(rows(down.high, 'resize_rows'), narrow),
    product(rows(down.low, 'resize_rows_low'), narrow),
  );
}

/** Beyond so many products, some tenths of a second, the kernel that knows where the zeros of the tables are is worth its roundings. */
const MOST_PRODUCTS = 4e9;

/** What two tables each way cost on three channels. */
const products = (source: Size, part: Size): number => 6 * part.width * source.height * (source.width + part.height);

/** Places behind the point that the upper part of a weight keeps: with 9 bits before it, sums of products are exact in float32. */
const HIGH_PLACES = 12;

/**
 * Pillow's weights have 22 binary places, and its sums are exact. float32 has 24 bits in all: so each table is an upper and a lower part, the sums
 * of both are exact, and `rounded` adds them without loss.
 */
function split(table: Float64Array): { readonly high: Float32Array; readonly low: Float32Array } {
  const high = Float32Array.from(table, (w) => Math.round(w * 2 ** HIGH_PLACES) / 2 ** HIGH_PLACES);
  return { high, low: Float32Array.from(table, (w, i) => w - (high[i] ?? 0)) };
}

export const antialiases = (graph: Graph): boolean => (graph.model.opset('') ?? 0) >= ANTIALIAS_OPSET;

function transposed(table: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(table.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = table[r * columns + c] ?? 0;
  return out;
}

/** floor(high + low + 1/2), from 0 to 255. */
function rounded(front: Front, high: Value, low: Value): Value {
  const { edit, graph, before } = front;
  const scalar = (v: number): Value => constant(front, float32Tensor([], [v]), `pixel_${v}`);
  const op = (kind: typeof Add, a: Value, b: Value): Value => edit.add(graph, kind, { a, b }, {}, { before }).out.y;
  const floor = (x: Value): Value => edit.add(graph, Floor, { x }, {}, { before }).out.y;
  const up = op(Add, high, scalar(0.5));
  const whole = floor(up);
  const sum = op(Add, whole, floor(op(Add, op(Sub, up, whole), low)));
  return edit.add(graph, Clip, { x: sum, min: scalar(0), max: scalar(255) }, {}, { before }).out.y;
}

/**
 * On bytes onnxruntime's kernel computes in Pillow's fixed point. Sizes are given for all four axes: with `axes`, onnxruntime 1.30 loses them when it
 * moves the Transpose below the Resize, and refuses the model.
 */
function antialiased(front: Front, x: Value, kind: 'bilinear' | 'bicubic', size: Value): Value {
  const { edit, graph, before } = front;
  const int = (value: number): Value => ints(front, [value], `size_${value}`);
  const shape = edit.add(graph, ShapeOp, { x }, {}, { before }).out.y;
  const others = edit.add(graph, Slice, { x: shape, starts: int(0), ends: int(2), axes: int(0) }, {}, { before }).out.y;
  const sizes = edit.add(graph, Concat, { xs: [others, size] }, { axis: 0 }, { before }).out.y;
  const mode = kind === 'bilinear' ? 'linear' : 'cubic';
  const attrs = { antialias: 1, mode, exclude_outside: 1, ...(mode === 'cubic' && { cubic_coeff_a: -0.5 }) } as const;
  return edit.add(graph, Resize, { x, sizes }, attrs, { before }).out.y;
}

function gathered({ edit, graph, before }: Front, x: Value, rows: Value, columns: Value): Value {
  const tall = edit.add(graph, Gather, { x, indices: rows }, { axis: 2 }, { before }).out.y;
  return edit.add(graph, Gather, { x: tall, indices: columns }, { axis: 3 }, { before }).out.y;
}

function cropped(front: Front, x: Value, starts: Value, ends: Value, whole = false): Value {
  const { edit, graph, before } = front;
  if (whole) return x;
  return edit.add(graph, Slice, { x, starts, ends, axes: ints(front, [2, 3], 'crop_axes') }, {}, { before }).out.y;
}

/** Black around it. */
const padded = ({ edit, graph, before }: Front, x: Value, pads: Value): Value =>
  edit.add(graph, Pad, { x, pads }, {}, { before }).out.y;

/** The same for images of any size: the numbers are computed in the graph, in whole numbers as torchvision's are. */
export function openGeometry(front: Front, x: Value, steps: ImageSteps): Value {
  const { edit, graph, before } = front;
  const { resize, crop, interpolation } = steps;
  const int = (value: number): Value => ints(front, [value], `size_${value}`);
  const shape = edit.add(graph, ShapeOp, { x }, {}, { before }).out.y;
  const source = edit.add(graph, Slice, { x: shape, starts: int(2), ends: int(4), axes: int(0) }, {}, { before }).out.y;
  let size = source;
  if (typeof resize === 'object') size = ints(front, resize, 'resize_size');
  else if (resize !== undefined) {
    const scaled = edit.add(graph, Mul, { a: source, b: int(resize) }, {}, { before }).out.y;
    const shorter = edit.add(graph, ReduceMin, { x: source }, { keepdims: 1 }, { before }).out.y;
    size = edit.add(graph, Div, { a: scaled, b: shorter }, {}, { before }).out.y;
  }
  const y =
    resize === undefined
      ? x
      : interpolation === 'nearest'
        ? nearest(front, x, source, size)
        : antialiased(front, x, interpolation, size);
  return crop === undefined ? y : openCrop(front, y, size, crop);
}

function nearest(front: Front, x: Value, source: Value, size: Value): Value {
  const { edit, graph, before } = front;
  /** floor((2 i + 1) from / (2 to)) for each i. */
  const lines = (axis: number): Value => {
    const at = (v: Value): Value =>
      edit.add(graph, Gather, { x: v, indices: constant(front, int64Tensor([], [axis]), 'axis') }, {}, { before }).out
        .y;
    const number = (v: number): Value => constant(front, int64Tensor([], [v]), `number_${v}`);
    const [from, to] = [at(source), at(size)];
    const all = edit.add(graph, Range, { start: number(0), limit: to, delta: number(1) }, {}, { before }).out.y;
    const twice = edit.add(graph, Mul, { a: all, b: number(2) }, {}, { before }).out.y;
    const odd = edit.add(graph, Add, { a: twice, b: number(1) }, {}, { before }).out.y;
    const above = edit.add(graph, Mul, { a: odd, b: from }, {}, { before }).out.y;
    const below = edit.add(graph, Mul, { a: to, b: number(2) }, {}, { before }).out.y;
    return edit.add(graph, Div, { a: above, b: below }, {}, { before }).out.y;
  };
  return gathered(front, x, lines(0), lines(1));
}

/** The middle `crop` pixels each way of an image of a size that is known when it runs. Where there are fewer, black is put around it first. */
function openCrop(front: Front, x: Value, size: Value, crop: number): Value {
  const { edit, graph, before } = front;
  const int = (value: number): Value => ints(front, [value], `size_${value}`);
  const op = (kind: typeof Add, a: Value, b: Value): Value => edit.add(graph, kind, { a, b }, {}, { before }).out.y;
  const most = (a: Value, b: Value): Value => edit.add(graph, Max, { xs: [a, b] }, {}, { before }).out.y;
  const lacking = most(op(Sub, int(crop), size), int(0));
  const begin = op(Div, lacking, int(2));
  const zeros = ints(front, [0, 0], 'no_pads');
  const pads = edit.add(graph, Concat, { xs: [zeros, begin, zeros, op(Sub, lacking, begin)] }, { axis: 0 }, { before })
    .out.y;
  const y = padded(front, x, pads);
  // Half of what is over, halves rounded to even: d / 2, and one more where both d and d / 2 are odd.
  const over = most(op(Sub, size, int(crop)), int(0));
  const half = op(Div, over, int(2));
  const odd = (v: Value): Value => op(Sub, v, op(Mul, op(Div, v, int(2)), int(2)));
  const start = op(Add, half, op(Mul, odd(over), odd(half)));
  return cropped(front, y, start, op(Add, start, int(crop)));
}
