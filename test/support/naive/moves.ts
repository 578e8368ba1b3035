import { at, broadcastTo, type Call, gather, type Nd, places, sizeOf, stridesOf } from './nd.js';

/* Operators that only move elements. */

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

export function pad(call: Call): Nd {
  const x = call.x(0);
  const rank = x.shape.length;
  const amounts = call.list('pads', 1) ?? [];
  const value = call.inputs[2]?.data[0] ?? call.float('value', 0);
  const axes = call.inputs[3] ? Array.from(call.inputs[3].data, (a) => positive(a, rank)) : x.shape.map((_, i) => i);
  const begin = x.shape.map(() => 0);
  const end = x.shape.map(() => 0);
  axes.forEach((axis, i) => {
    begin[axis] = at(amounts, i);
    end[axis] = at(amounts, i + axes.length);
  });
  const mode = call.string('mode', 'constant');
  const shape = x.shape.map((d, i) => d + at(begin, i) + at(end, i));
  const inside = (p: number, length: number): number | undefined => {
    if (p >= 0 && p < length) return p;
    if (mode === 'edge') return p < 0 ? 0 : length - 1;
    if (mode === 'wrap') return ((p % length) + length) % length;
    if (mode === 'reflect') return p < 0 ? -p : 2 * (length - 1) - p;
    return undefined;
  };
  return gather(
    x,
    shape,
    (place) => {
      const from = place.map((p, i) => inside(p - at(begin, i), at(x.shape, i)));
      return from.every((p) => p !== undefined) ? from : undefined;
    },
    value,
  );
}

export function slice(call: Call): Nd {
  const x = call.x(0);
  const rank = x.shape.length;
  const starts = call.list('starts', 1) ?? [];
  const ends = call.list('ends', 2) ?? [];
  const axes = (call.list('axes', 3) ?? starts.map((_, i) => i)).map((a) => positive(a, rank));
  const steps = call.inputs[4] ? Array.from(call.inputs[4].data) : starts.map(() => 1);
  const from = x.shape.map(() => ({ start: 0, step: 1 }));
  const shape = [...x.shape];
  axes.forEach((axis, i) => {
    const length = at(x.shape, axis);
    const step = at(steps, i);
    const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);
    const wrapped = (v: number): number => (v < 0 ? v + length : v);
    const low = step > 0 ? 0 : -1;
    const high = step > 0 ? length : length - 1;
    const start = clamp(wrapped(at(starts, i)), Math.max(0, low), high);
    const end = clamp(wrapped(at(ends, i)), low, high);
    from[axis] = { start, step };
    shape[axis] = Math.max(0, Math.ceil((end - start) / step));
  });
  return gather(x, shape, (place) => place.map((p, i) => (from[i]?.start ?? 0) + p * (from[i]?.step ?? 1)));
}

export function split(call: Call): Nd[] {
  const x = call.x(0);
  const axis = positive(call.int('axis', 0), x.shape.length);
  const count = call.node.outputs.length;
  const length = at(x.shape, axis);
  const even = Math.ceil(length / call.int('num_outputs', count));
  const sizes =
    call.list('split', 1) ?? Array.from({ length: count }, (_, i) => Math.min(even, Math.max(0, length - i * even)));
  let start = 0;
  return sizes.map((size) => {
    const from = start;
    start += size;
    return gather(
      x,
      x.shape.map((d, i) => (i === axis ? size : d)),
      (place) => place.map((p, i) => (i === axis ? p + from : p)),
    );
  });
}

export function concat(call: Call): Nd {
  const xs = call.all();
  const [first] = xs;
  if (!first) throw new Error('Concat of nothing');
  const axis = positive(call.int('axis', 1), first.shape.length);
  const total = xs.reduce((n, x) => n + at(x.shape, axis), 0);
  const shape = first.shape.map((d, i) => (i === axis ? total : d));
  const strides = stridesOf(shape);
  const data = new Float64Array(sizeOf(shape));
  let start = 0;
  for (const x of xs) {
    if (x.shape.some((d, i) => i !== axis && d !== shape[i])) throw new Error('Concat of unlike shapes');
    let n = 0;
    for (const place of places(x.shape)) {
      const flat = place.reduce((sum, p, i) => sum + (i === axis ? p + start : p) * at(strides, i), 0);
      data[flat] = at(x.data, n++);
    }
    start += at(x.shape, axis);
  }
  return { shape, data };
}

export function transpose(call: Call): Nd {
  const x = call.x(0);
  const perm = call.ints('perm') ?? x.shape.map((_, i) => x.shape.length - 1 - i);
  const shape = perm.map((p) => at(x.shape, p));
  return gather(x, shape, (place) => x.shape.map((_, i) => at(place, perm.indexOf(i))));
}

const reshaped = (x: Nd, shape: readonly number[]): Nd => {
  if (sizeOf(shape) !== x.data.length) throw new Error(`[${x.shape.join()}] cannot become [${shape.join()}]`);
  return { shape, data: x.data };
};

export function reshape(call: Call): Nd {
  const x = call.x(0);
  const wanted = Array.from(call.x(1).data);
  const keep = call.int('allowzero', 0) === 0;
  const shape = wanted.map((d, i) => (d === 0 && keep ? at(x.shape, i) : d));
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
  return reshaped(
    x,
    shape.map((d) => (d === -1 ? x.data.length / known : d)),
  );
}

export function flatten(call: Call): Nd {
  const x = call.x(0);
  const axis = positive(call.int('axis', 1), x.shape.length);
  return reshaped(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
}

export function unsqueeze(call: Call): Nd {
  const x = call.x(0);
  const given = call.list('axes', 1) ?? [];
  const rank = x.shape.length + given.length;
  const axes = new Set(given.map((a) => positive(a, rank)));
  const rest = [...x.shape];
  return reshaped(
    x,
    Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (rest.shift() ?? 1))),
  );
}

export function squeeze(call: Call): Nd {
  const x = call.x(0);
  const axes = call.list('axes', 1)?.map((a) => positive(a, x.shape.length));
  return reshaped(
    x,
    x.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1)),
  );
}

export function scatterND(call: Call): Nd {
  const [x, indices, updates] = [call.x(0), call.x(1), call.x(2)];
  if (call.string('reduction', 'none') !== 'none') throw new Error('ScatterND with a reduction');
  const depth = at(indices.shape, indices.shape.length - 1);
  const size = sizeOf(x.shape.slice(depth));
  const strides = stridesOf(x.shape);
  const data = x.data.slice();
  for (let row = 0; row * depth < indices.data.length; row++) {
    let start = 0;
    for (let i = 0; i < depth; i++)
      start += positive(at(indices.data, row * depth + i), at(x.shape, i)) * at(strides, i);
    data.set(updates.data.subarray(row * size, (row + 1) * size), start);
  }
  return { shape: x.shape, data };
}

export function expand(call: Call): Nd {
  const x = call.x(0);
  const wanted = Array.from(call.x(1).data);
  const rank = Math.max(wanted.length, x.shape.length);
  const own = (i: number): number => x.shape[i - rank + x.shape.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, i) => Math.max(own(i), wanted[i - rank + wanted.length] ?? 1));
  return broadcastTo(x, shape);
}
