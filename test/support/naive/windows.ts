import { at, type Call, type Nd, places, sizeOf, stridesOf } from './nd.js';

/** One spatial axis of a window: where it starts over which length, and how many results it gives. */
interface WindowAxis {
  readonly length: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
  readonly outputs: number;
}

/** ONNX Conv and pools: attributes strides, dilations, pads, auto_pad, and for pools ceil_mode. */
function windowAxes(call: Call, lengths: readonly number[], taps: readonly number[]): WindowAxis[] {
  const auto = call.string('auto_pad', 'NOTSET');
  const pads = call.ints('pads');
  const ceil = call.int('ceil_mode', 0) !== 0;
  return lengths.map((length, i) => {
    const stride = call.ints('strides')?.[i] ?? 1;
    const dilation = call.ints('dilations')?.[i] ?? 1;
    const extent = (at(taps, i) - 1) * dilation + 1;
    let begin = 0;
    let end = 0;
    if (auto === 'NOTSET') {
      begin = pads?.[i] ?? 0;
      end = pads?.[i + lengths.length] ?? 0;
    } else if (auto !== 'VALID') {
      const all = Math.max(0, (Math.ceil(length / stride) - 1) * stride + extent - length);
      begin = auto === 'SAME_UPPER' ? Math.floor(all / 2) : Math.ceil(all / 2);
      end = all - begin;
    }
    const steps = (length + begin + end - extent) / stride;
    let outputs = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window that starts in the padding at the end is left out.
    if (ceil && (outputs - 1) * stride >= length + begin) outputs -= 1;
    return { length, taps: at(taps, i), stride, dilation, begin, end, outputs: Math.max(0, outputs) };
  });
}

/** Every tap of the window at `place`: where in the input it reads, -1 outside of it. */
function* readings(axes: readonly WindowAxis[], place: readonly number[]): Generator<number, void, undefined> {
  for (const tap of places(axes.map((a) => a.taps))) {
    let flat = 0;
    for (const [i, a] of axes.entries()) {
      const p = at(place, i) * a.stride - a.begin + at(tap, i) * a.dilation;
      flat = p < 0 || p >= a.length || flat < 0 ? -1 : flat * a.length + p;
    }
    yield flat;
  }
}

export function conv(call: Call): Nd {
  const [x, w, b] = [call.x(0), call.x(1), call.inputs[2]];
  const groups = call.int('group', 1);
  const [batch, channels] = [at(x.shape, 0), at(x.shape, 1)];
  const [outputs, width] = [at(w.shape, 0), at(w.shape, 1)];
  if (width * groups !== channels || outputs % groups !== 0)
    throw new Error('Conv: the channels do not fit the weight');
  const taps = w.shape.slice(2);
  const axes = windowAxes(call, x.shape.slice(2), taps);
  const spatial = axes.map((a) => a.outputs);
  const plane = sizeOf(x.shape.slice(2));
  const windows = Array.from(places(spatial), (p) => Int32Array.from(readings(axes, p)));
  const size = sizeOf(taps);
  const data = new Float64Array(batch * outputs * windows.length);
  let n = 0;
  for (let image = 0; image < batch; image++) {
    for (let o = 0; o < outputs; o++) {
      const first = Math.floor(o / (outputs / groups)) * width;
      for (const window of windows) {
        let sum = b ? at(b.data, o) : 0;
        for (let c = 0; c < width; c++) {
          const from = (image * channels + first + c) * plane;
          const kernel = (o * width + c) * size;
          // Bare reads: this is the innermost loop of every fuzzed case.
          for (let t = 0; t < size; t++) {
            const p = window[t] ?? -1;
            if (p >= 0) sum += (w.data[kernel + t] ?? Number.NaN) * (x.data[from + p] ?? Number.NaN);
          }
        }
        data[n++] = sum;
      }
    }
  }
  return { shape: [batch, outputs, ...spatial], data };
}

export function convTranspose(call: Call): Nd {
  const [x, w, b] = [call.x(0), call.x(1), call.inputs[2]];
  const groups = call.int('group', 1);
  const [batch, channels] = [at(x.shape, 0), at(x.shape, 1)];
  const rows = at(w.shape, 1);
  const outputs = rows * groups;
  const lengths = x.shape.slice(2);
  const taps = w.shape.slice(2);
  const auto = call.string('auto_pad', 'NOTSET');
  const geometry = lengths.map((length, i) => {
    const stride = call.ints('strides')?.[i] ?? 1;
    const dilation = call.ints('dilations')?.[i] ?? 1;
    const all = stride * (length - 1) + (call.ints('output_padding')?.[i] ?? 0) + (at(taps, i) - 1) * dilation + 1;
    const wanted = call.ints('output_shape')?.[i] ?? (auto.startsWith('SAME') ? length * stride : undefined);
    let begin = call.ints('pads')?.[i] ?? 0;
    let end = call.ints('pads')?.[i + lengths.length] ?? 0;
    if (wanted !== undefined) {
      const total = Math.max(0, all - wanted);
      begin = auto === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2);
      end = total - begin;
    }
    return { stride, dilation, begin, outputs: wanted ?? all - begin - end };
  });
  const spatial = geometry.map((g) => g.outputs);
  const shape = [batch, outputs, ...spatial];
  const data = new Float64Array(sizeOf(shape));
  const plane = sizeOf(spatial);
  const strides = stridesOf(spatial);
  if (b) for (let i = 0; i < data.length; i++) data[i] = at(b.data, Math.floor(i / plane) % outputs);
  const width = channels / groups;
  let n = 0;
  for (const [image = 0, c = 0, ...p] of places(x.shape)) {
    const value = at(x.data, n++);
    const group = Math.floor(c / width);
    let t = 0;
    for (const tap of places(taps)) {
      const to = geometry.map((g, i) => at(p, i) * g.stride + at(tap, i) * g.dilation - g.begin);
      const inside = to.every((v, i) => v >= 0 && v < at(spatial, i));
      const flat = to.reduce((sum, v, i) => sum + v * at(strides, i), 0);
      if (inside) {
        for (let r = 0; r < rows; r++) {
          const i = (image * outputs + group * rows + r) * plane + flat;
          data[i] = at(data, i) + value * at(w.data, (c * rows + r) * sizeOf(taps) + t);
        }
      }
      t += 1;
    }
  }
  return { shape, data };
}

/**
 * `reduce` sees the numbers under each window, those outside of the input left out, and how many positions lie in input
 * or padding.
 */
function pool(call: Call, reduce: (values: readonly number[], padded: number) => number): Nd {
  const x = call.x(0);
  const lengths = x.shape.slice(2);
  const taps = call.ints('kernel_shape') ?? lengths;
  const axes = windowAxes(call, lengths, taps);
  const planes = sizeOf(x.shape.slice(0, 2));
  const size = sizeOf(lengths);
  const out: number[] = [];
  const spatial = axes.map((a) => a.outputs);
  const windows = Array.from(places(spatial), (place) => {
    let padded = 1;
    for (const [i, a] of axes.entries()) {
      const start = at(place, i) * a.stride;
      const last = a.begin + a.length + a.end;
      padded *= Array.from({ length: a.taps }, (_, t) => start + t * a.dilation).filter((p) => p < last).length;
    }
    return { read: [...readings(axes, place)].filter((p) => p >= 0), padded };
  });
  for (let p = 0; p < planes; p++)
    for (const { read, padded } of windows)
      out.push(
        reduce(
          read.map((i) => at(x.data, p * size + i)),
          padded,
        ),
      );
  return { shape: [...x.shape.slice(0, 2), ...spatial], data: Float64Array.from(out) };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export const averagePool = (call: Call): Nd => {
  const padding = call.int('count_include_pad', 0) !== 0;
  return pool(call, (values, padded) => sum(values) / (padding ? padded : values.length));
};

export const maxPool = (call: Call): Nd => pool(call, (values) => Math.max(...values));
