import { at, type Call, gather, type Nd } from './nd.js';

/* Operators that lay elements out anew, from their specifications. */

/** ONNX DepthToSpace: DCR takes blocks of channels for rows and columns of a block, CRD channels in depth first. */
export function depthToSpace(call: Call): Nd {
  const x = call.x(0);
  const b = call.int('blocksize', 1);
  const [n = 1, wide = 1, h = 1, w = 1] = x.shape;
  const c = wide / (b * b);
  const crd = call.string('mode', 'DCR') === 'CRD';
  return gather(x, [n, c, h * b, w * b], ([image = 0, channel = 0, row = 0, column = 0]) => {
    const [i, j] = [row % b, column % b];
    const from = crd ? (channel * b + i) * b + j : (i * b + j) * c + channel;
    return [image, from, Math.floor(row / b), Math.floor(column / b)];
  });
}

/** ONNX SpaceToDepth: channel (i * b + j) * C + c of a pixel is channel c at row i and column j of its block. */
export function spaceToDepth(call: Call): Nd {
  const x = call.x(0);
  const b = call.int('blocksize', 1);
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  return gather(x, [n, c * b * b, h / b, w / b], ([image = 0, channel = 0, row = 0, column = 0]) => {
    const block = Math.floor(channel / c);
    return [image, channel % c, row * b + Math.floor(block / b), column * b + (block % b)];
  });
}

/** Entries of one axis, by a list of indices. */
export function gatherAxis(call: Call): Nd {
  const [x, indices] = [call.x(0), call.x(1)];
  const axis = (call.int('axis', 0) + x.shape.length) % x.shape.length;
  const length = at(x.shape, axis);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  if (indices.shape.length > 1) throw new Error('Gather by more than a list');
  const entry = (p: number): number => (at(indices.data, p) + length) % length;
  if (indices.shape.length === 0)
    return gather(x, shape, (place) => [...place.slice(0, axis), entry(0), ...place.slice(axis)]);
  return gather(x, shape, (place) => place.map((p, i) => (i === axis ? entry(p) : p)));
}

/** Nearest (asymmetric, floor) and linear (half_pixel) by whole factors, one axis after the other. */
export function resize(call: Call): Nd {
  const scales = Array.from(call.x(2).data);
  const linear = call.string('mode', 'nearest') === 'linear';
  return scales.reduce(
    (x, scale, axis) => (scale === 1 ? x : linear ? stretched(x, axis, scale) : repeated(x, axis, scale)),
    call.x(0),
  );
}

const repeated = (x: Nd, axis: number, scale: number): Nd =>
  gather(x, x.shape.with(axis, Math.floor(at(x.shape, axis) * scale)), (place) =>
    place.map((p, i) => (i === axis ? Math.floor(p / scale) : p)),
  );

function stretched(x: Nd, axis: number, scale: number): Nd {
  const length = at(x.shape, axis);
  const shape = x.shape.with(axis, Math.floor(length * scale));
  const clamp = (p: number): number => Math.min(Math.max(p, 0), length - 1);
  const source = (p: number): number => clamp((p + 0.5) / scale - 0.5);
  const side = (up: 0 | 1): Nd =>
    gather(x, shape, (place) => place.map((p, i) => (i === axis ? clamp(Math.floor(source(p)) + up) : p)));
  const [low, high] = [side(0), side(1)];
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const data = low.data.map((v, i) => {
    const p = source(Math.floor(i / inner) % at(shape, axis));
    const part = p - Math.floor(p);
    return v * (1 - part) + at(high.data, i) * part;
  });
  return { shape, data };
}
