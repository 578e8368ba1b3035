import { statSync } from 'node:fs';
import { table } from '../src/base/text.js';
import {
  benchModels,
  buildArchitecture,
  cloneModel,
  compareModels,
  findVariant,
  fuse,
  operatorCounts,
  saveModel,
} from '../src/index.js';

/*
 * npm run demo: the ACNet of the article is built, its three kernels and BatchNormalizations are merged, onnxruntime shows that nothing
 * changed and how much faster it is. All of it through the public API; the models stay in the present folder.
 */

const { model } = buildArchitecture(findVariant('acnet'), { init: { kind: 'golden' } });
const fused = cloneModel(model);
await fuse(fused);
const check = await compareModels(model, fused);
const before = await saveModel(model, 'acnet.onnx');
const after = await saveModel(fused, 'acnet.fused.onnx');
const bench = await benchModels(
  [
    { name: before.path, model },
    { name: after.path, model: fused },
  ],
  { threads: 1, runs: 100 },
);

const [slow, fast] = bench.models;
const [output] = check.outputs;
const counts = [operatorCounts(model), operatorCounts(fused)];
const count = (op: string): number[] => counts.map((c) => c.get(op) ?? 0);
const nodes = counts.map((c) => [...c.values()].reduce((sum, n) => sum + n, 0));
console.log(
  table(
    [
      ['nodes', ...nodes],
      ['Conv', ...count('Conv')],
      ['BatchNormalization', ...count('BatchNormalization')],
      ['Add', ...count('Add')],
      ['bytes', statSync(before.path).size, statSync(after.path).size],
      ['median latency, ms', slow?.median.toFixed(2) ?? '', fast?.median.toFixed(2) ?? ''],
    ],
    ['', before.path, after.path],
  ),
);
const { median, low, high } = fast?.ratio ?? { median: Number.NaN, low: Number.NaN, high: Number.NaN };
console.log(
  `latency ratio ${median.toFixed(2)} (95 %: ${low.toFixed(2)} to ${high.toFixed(2)}), one thread, ${bench.provider}`,
);
console.log(
  `outputs ${check.verdict}: RMS-relative ${output?.rmsRelative.toExponential(1)} beside a noise floor of ${output?.floor.rmsRelative.toExponential(1)}`,
);
if (check.verdict !== 'match') process.exitCode = 1;
