import { assert, asyncProperty, constantFrom, integer, record, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../../src/base/bytes.js';
import { CnnxError } from '../../src/base/errors.js';
import { writeOnnx } from '../../src/formats/onnx/index.js';
import { inferShapes } from '../../src/graph/infer.js';
import { parseGraph } from '../../src/text/parse.js';
import { typeText } from '../../src/graph/types.js';
import { registry } from '../../src/ops/index.js';
import { createSession } from '../../src/node/onnxruntime/session.js';
import { allows } from '../support/inferred.js';
import { drawInputs } from '../support/rules.js';

/* Sliding windows of any geometry: inference and onnxruntime give one size, or both refuse (some kernels of onnxruntime give nothing, a size of 0). */

const two = (min: number, max: number) => tuple(integer({ min, max }), integer({ min, max }));

const windows = record({
  size: two(1, 12),
  kernel: two(1, 4),
  strides: two(1, 4),
  dilations: two(1, 3),
  begin: two(0, 3),
  end: two(0, 3),
  extra: two(0, 2),
  ceil: constantFrom(0, 1),
  autoPad: constantFrom('NOTSET', 'NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
});
interface Sample {
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly begin: readonly [number, number];
  readonly end: readonly [number, number];
  readonly extra: readonly [number, number];
  readonly ceil: number;
  readonly autoPad: string;
}

function attributes(w: Sample, largest: (axis: 0 | 1) => number): string[] {
  const limit = (p: readonly [number, number]): number[] => [Math.min(p[0], largest(0)), Math.min(p[1], largest(1))];
  const pads =
    w.autoPad === 'NOTSET' ? `pads=[${[...limit(w.begin), ...limit(w.end)].join(',')}]` : `auto_pad="${w.autoPad}"`;
  // onnxruntime refuses some SAME windows that leave gaps.
  const strides = w.strides.map((s, i) => (w.autoPad.startsWith('SAME') ? Math.min(s, w.kernel[i] ?? 1) : s));
  return [`strides=[${strides.join(',')}]`, pads];
}

/** onnxruntime takes no dilations together with SAME. */
const dilated = (w: Sample): string[] => (w.autoPad.startsWith('SAME') ? [] : [`dilations=[${w.dilations.join(',')}]`]);

const input = (w: Sample): string => `x: float32[1,2,${w.size.join(',')}]`;

const calls: Readonly<Record<string, (w: Sample) => string>> = {
  Conv: (w) =>
    `Conv<${[...attributes(w, () => 9), ...dilated(w)].join(', ')}>(x, w: float32[3,2,${w.kernel.join(',')}])`,
  ConvTranspose(w) {
    // onnxruntime asks for an output padding below the stride.
    const extra = w.extra.map((e, i) => Math.min(e, (w.strides[i] ?? 1) - 1));
    const more = w.autoPad === 'NOTSET' ? [...dilated(w), `output_padding=[${extra.join(',')}]`] : [];
    return `ConvTranspose<${[...attributes(w, () => 2), ...more].join(', ')}>(x, w: float32[2,3,${w.kernel.join(',')}])`;
  },
  MaxPool: (w) =>
    `MaxPool<${[...attributes(w, (i) => w.kernel[i] - 1), `kernel_shape=[${w.kernel.join(',')}]`, `ceil_mode=${w.ceil}`, ...dilated(w)].join(', ')}>(x)`,
  AveragePool: (w) =>
    `AveragePool<${[...attributes(w, (i) => w.kernel[i] - 1), `kernel_shape=[${w.kernel.join(',')}]`, `ceil_mode=${w.ceil}`, 'count_include_pad=1'].join(', ')}>(x)`,
};

async function computed(text: string): Promise<string> {
  const model = parseGraph(text);
  try {
    const session = await createSession(concat(writeOnnx(model)), { optimization: 'disabled', threads: 1 });
    const results = await session.run(drawInputs(model, 1));
    await session.release();
    const y = results.get('y');
    if (y?.shape.includes(0)) return 'refused';
    return y ? `${y.dtype}[${y.shape.join(',')}]` : 'nothing';
  } catch (error) {
    if (error instanceof CnnxError) return 'refused';
    throw error;
  }
}

function found(text: string): string {
  const model = parseGraph(text);
  return inferShapes(model, registry).length > 0 ? 'refused' : typeText(model.graph.outputs[0]?.type);
}

function poolFits(name: string, w: Sample): boolean {
  if (w.autoPad.startsWith('SAME')) return true;
  return ([0, 1] as const).every((i) => {
    const pads = w.autoPad === 'NOTSET' ? [w.begin[i], w.end[i]].map((p) => Math.min(p, w.kernel[i] - 1)) : [0, 0];
    const taken = (w.kernel[i] - 1) * (name === 'MaxPool' ? w.dilations[i] : 1) + 1;
    return taken <= w.size[i] + (pads[0] ?? 0) + (pads[1] ?? 0);
  });
}

test.each(Object.keys(calls))('%s', async (name) => {
  await assert(
    asyncProperty(windows, async (w) => {
      const text = `<opset: ["": 19]>\n(${input(w)}) -> (y)\n  y = ${calls[name]?.(w) ?? ''}`;
      const type = found(text);
      const computedType = await computed(text);
      // onnxruntime's pools round towards zero, and so let a window that does not fit count as one.
      if (name.endsWith('Pool') && !poolFits(name, w)) expect(type, text).toBe('refused');
      else expect(type, text).toSatisfy((t: string) => allows(t, computedType), computedType);
    }),
    { numRuns: process.env.CNNX_FULL ? 2000 : 80, seed: 1 },
  );
});
