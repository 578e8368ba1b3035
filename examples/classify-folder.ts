/*
 * Classifies every image of a folder, prepared as the model says it was trained.
 * Run: npx tsx examples/classify-folder.ts resnet50.onnx photos/
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { classScores, imageInput, imageTensor, openModel, prepareImage, readImage, startRunner, stepsFor } from 'cnnx';

const [path = 'model.onnx', folder = '.'] = process.argv.slice(2);
const model = await openModel(path);
// Models run in a process of their own: one that hangs or crashes is an error here, and nothing more.
const runner = startRunner();
try {
  const session = await runner.load(model);
  const input = imageInput(session.inputs);
  const { steps } = stepsFor(model, input);
  for (const file of (await readdir(folder)).filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort()) {
    const image = prepareImage(await readImage(join(folder, file)), steps);
    const outputs = await session.run(new Map([[input.name, imageTensor([image], steps, input)]]));
    const [scores] = outputs.values();
    const [best] = scores ? (classScores(scores, 1)[0] ?? []) : [];
    if (best) console.log(`${file}: class ${best.index}, ${(100 * best.probability).toFixed(1)} %`);
  }
} finally {
  runner.close();
}
