import { concat } from '../src/base/bytes.js';
import { writeOnnx } from '../src/formats/onnx/index.js';
import { createSession } from '../src/node/onnxruntime/session.js';
import type { Session } from '../src/running/session.js';
import { fromFloat64 } from '../src/tensor/tensor.js';
import { parseGraph } from '../src/text/parse.js';

/*
 * Parallel convolutions and their sum against the one convolution that they are: when more multiply-accumulates are still faster, since a read of the
 * input, a write and an Add go. Both run in turns on one thread; the ratio is the median over pairs of neighbouring runs.
 * `node dist/bench/branches.js` prints the table behind `src/passes/affine/cost.ts`.
 */

const SIZES = [7, 14, 28, 56, 112];
const CHANNELS = [8, 16, 32, 64, 128, 256];
/** Neither too short for the clock nor longer than a minute for a row. */
const BUDGET_MS = 2500;
const MAX_MACS = 2e9;

interface Branches {
  readonly name: string;
  /** Taps of each branch; their sum has the largest along each axis. */
  readonly taps: readonly (readonly [number, number])[];
  readonly depthwise: boolean;
}

const BRANCHES: readonly Branches[] = [
  {
    name: '1x3 + 3x1 -> 3x3',
    taps: [
      [1, 3],
      [3, 1],
    ],
    depthwise: false,
  },
  {
    name: '1x5 + 5x1 -> 5x5',
    taps: [
      [1, 5],
      [5, 1],
    ],
    depthwise: false,
  },
  {
    name: '1x1 + 1x3 -> 1x3',
    taps: [
      [1, 1],
      [1, 3],
    ],
    depthwise: false,
  },
  {
    name: '1x3 + 3x1 -> 3x3, depthwise',
    taps: [
      [1, 3],
      [3, 1],
    ],
    depthwise: true,
  },
  {
    name: '1x5 + 5x1 -> 5x5, depthwise',
    taps: [
      [1, 5],
      [5, 1],
    ],
    depthwise: true,
  },
];

function text({ taps, depthwise }: Branches, channels: number, size: number): string {
  const groups = depthwise ? channels : 1;
  const lines = taps.map(([h, w], i) => {
    const pads = [h, w, h, w].map((k) => (k - 1) / 2).join();
    return `b${i} = Conv<group=${groups}, pads=[${pads}]>(x, w${i}: float32[${channels},${channels / groups},${h},${w}], c${i}: float32[${channels}])`;
  });
  const sum = taps.length === 1 ? 'y = Relu(b0)' : 's = Add(b0, b1)\n y = Relu(s)';
  return `(x: float32[1,${channels},${size},${size}]) -> (y)\n ${lines.join('\n ')}\n ${sum}`;
}

const merged = (b: Branches): Branches => ({
  ...b,
  taps: [[Math.max(...b.taps.map((t) => t[0])), Math.max(...b.taps.map((t) => t[1]))]],
});

async function ratioOf(b: Branches, channels: number, size: number): Promise<number> {
  const feeds = new Map([
    ['x', fromFloat64('float32', [1, channels, size, size], new Float64Array(channels * size * size).fill(0.5))],
  ]);
  const sessions: Session[] = [];
  for (const one of [b, merged(b)])
    sessions.push(await createSession(concat(writeOnnx(parseGraph(text(one, channels, size)))), { threads: 1 }));
  const time = async (i: number): Promise<number> => {
    const start = performance.now();
    await sessions[i]?.run(feeds);
    return performance.now() - start;
  };
  const ratios: number[] = [];
  for (let i = 0; i < 3; i++) for (const s of [0, 1]) await time(s);
  for (const end = performance.now() + BUDGET_MS; performance.now() < end || ratios.length < 9; ) {
    const [apart, together] = [await time(0), await time(1)];
    ratios.push(together / apart);
  }
  for (const session of sessions) await session.release();
  return ratios.sort((p, q) => p - q)[ratios.length >> 1] ?? Number.NaN;
}

const row = (cells: readonly (string | number)[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
for (const b of BRANCHES) {
  row([b.name, ...SIZES.map((s) => `${s} x ${s}`)]);
  row(['---', ...SIZES.map(() => '---')]);
  for (const channels of CHANNELS) {
    const cells: string[] = [];
    for (const size of SIZES) {
      const [h, w] = merged(b).taps[0] ?? [1, 1];
      const macs = (channels * channels * size * size * h * w) / (b.depthwise ? channels : 1);
      cells.push(macs > MAX_MACS ? '' : (await ratioOf(b, channels, size)).toFixed(2));
    }
    row([`${channels} channels`, ...cells]);
  }
}
