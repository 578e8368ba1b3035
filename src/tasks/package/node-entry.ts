/** A folder that `npm install && npm start` serves, and a module that programs import. */
export function nodePackageJson(name: string, version: string): string {
  return `${JSON.stringify(
    {
      name: name.toLowerCase().replace(/[^a-z0-9-]+/g, '-'),
      private: true,
      type: 'module',
      main: 'infer.mjs',
      scripts: { start: `cnnx serve ${name}=model.onnx`, check: 'cnnx check http://127.0.0.1:8000 --package .' },
      dependencies: { cnnx: `^${version}` },
    },
    null,
    2,
  )}\n`;
}

const LINES = [
  `import { readFile } from 'node:fs/promises';`,
  `import { fileURLToPath } from 'node:url';`,
  `import { classScores, imageInput, imageTensor, openModel, prepareImage, readImage, startRunner, stepsFor } from 'cnnx';`,
  ``,
  `const here = (name) => fileURLToPath(new URL(name, import.meta.url));`,
  `const model = await openModel(here('model.onnx'));`,
  `const runner = startRunner();`,
  `const session = await runner.load(model);`,
  `const labels = await readFile(here('labels.txt'), 'utf8').then(`,
  `  (text) => text.trimEnd().split('\\n'),`,
  `  () => undefined,`,
  `);`,
  ``,
  `/** Runs the model on tensors by input name; gives its outputs by name. */`,
  `export const infer = (feeds) => session.run(feeds);`,
  ``,
  `/** The best classes of an image file: [{ index, probability, label }]. */`,
  `export async function classify(file, top = 5) {`,
  `  const input = imageInput(session.inputs);`,
  `  const { steps } = stepsFor(model, input);`,
  `  const image = prepareImage(await readImage(file), steps);`,
  `  const outputs = await session.run(new Map([[input.name, imageTensor([image], steps, input)]]));`,
  `  const [scores] = outputs.values();`,
  `  const [best] = classScores(scores, top);`,
  `  return best.map((c) => ({ ...c, label: labels?.[c.index] }));`,
  `}`,
  ``,
  `/** Ends the process that runs the model. */`,
  `export const close = () => runner.close();`,
  ``,
  `const [, program, file] = process.argv;`,
  `if (program === fileURLToPath(import.meta.url) && file !== undefined) {`,
  `  console.log(JSON.stringify(await classify(file), null, 2));`,
  `  close();`,
  `}`,
];

/** The module: one session in another process, so that a model that hangs or crashes is an error, and nothing more. */
export const NODE_ENTRY = `${LINES.join('\n')}\n`;
