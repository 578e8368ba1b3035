import { type Command, InvalidArgumentError } from 'commander';
import { checkWritable } from '../node/files/write-file.js';
import { startRunner } from '../node/machine/process-runner.js';
import { PATIENT } from '../running/runner.js';
import { type PartProof, provePart } from '../tasks/prove-part.js';
import { type Joined, joinModels, type Model, openModel, requiredInputs, saveModel } from '../index.js';
import { io } from './io.js';
import { type PartOptions, partOptions, proofText } from './part.js';

interface Options extends PartOptions {
  readonly map?: ReadonlyMap<string, string>;
}

/** OUT=IN, kept by the input. */
function connection(text: string, previous?: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = text.lastIndexOf('=');
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError('OUT=IN: an output of the first, an input of the second.');
  return new Map(previous).set(text.slice(at + 1), text.slice(0, at));
}

export const define = (command: Command): Command =>
  partOptions(
    command
      .argument('<first>', 'ONNX model whose outputs are passed on')
      .argument('<second>', 'ONNX model that takes them')
      .option('--map <out=in>', 'which output goes to which input; repeatable', connection),
  )
    .addHelpText('after', '\nExample:\n  cnnx join backbone.onnx head.onnx --map features=x -o whole.onnx')
    .action(async (a: string, b: string, o: Options) => {
      await checkWritable(o.out);
      const [first, second] = [await openModel(a), await openModel(b)];
      const joined = joinModels(first, second, o.map);
      const proof = o.verify ? await prove(joined, first, second) : undefined;
      if (proof?.verdict === 'different') {
        io.fail(1);
        io.note(`${proofText(proof)}; nothing was written`);
        return;
      }
      const { model } = joined;
      const saved = await saveModel(model, o.out);
      const inputs = requiredInputs(model).map((v) => v.name);
      const outputs = model.graph.outputs.map((v) => v.name);
      if (o.json && o.out !== '-')
        return io.report('join', { ...saved, inputs, outputs, nodes: model.graph.nodeCount, proof });
      io.printBeside(o.out, `${model.graph.nodeCount} nodes, from ${inputs.join(', ')} to ${outputs.join(', ')}`);
      io.printBeside(o.out, proof ? proofText(proof) : 'not verified: as asked');
      io.printBeside(o.out, `written: ${saved.path}`);
    });

/** Each of the two, as a part of both, gives what it gives there. */
async function prove({ model, inputs, outputs }: Joined, first: Model, second: Model): Promise<PartProof> {
  const runner = startRunner(PATIENT);
  try {
    io.progress('comparing with the two');
    const one = await provePart(model, first, { runner });
    return one.verdict === 'equal' ? await provePart(model, second, { runner, inputs, outputs }) : one;
  } finally {
    runner.close();
  }
}
