/*
 * Builds ACNet, merges its branches, proves that nothing changed, and saves the result.
 * Run: npx tsx examples/build-fuse-save.ts (or compile it with your own project).
 */
import { buildArchitecture, cloneModel, compareModels, findVariant, fuse, operatorCounts, saveModel } from 'cnnx';

// 'golden' fills the weights by a formula, so that every BatchNormalization does something: fresh weights would prove nothing.
const { model } = buildArchitecture(findVariant('acnet'), { init: { kind: 'golden' } });
const fused = cloneModel(model);
await fuse(fused);

const report = await compareModels(model, fused);
if (report.verdict !== 'match') throw new Error(`the outputs differ: ${report.why ?? report.verdict}`);

const { path } = await saveModel(fused, 'acnet.fused.onnx');
const convolutions = (m: typeof model): number => operatorCounts(m).get('Conv') ?? 0;
console.log(`${path}: ${convolutions(model)} convolutions became ${convolutions(fused)}, outputs ${report.verdict}`);
