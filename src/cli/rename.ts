import { type Command, InvalidArgumentError } from 'commander';
import { checkWritable } from '../node/files/write-file.js';
import { cloneModel, type Model, openModel, renameParts, type Renaming } from '../index.js';
import { io } from './io.js';
import { finishPart, type PartOptions, partOptions } from './part.js';

interface Options extends PartOptions {
  readonly input?: readonly Renaming[];
  readonly output?: readonly Renaming[];
  readonly value?: readonly Renaming[];
  readonly initializer?: readonly Renaming[];
  readonly node?: readonly Renaming[];
  readonly metadata?: readonly Renaming[];
}

/** OLD=NEW, at the last '='; repeatable. */
function renaming(text: string, previous: readonly Renaming[] = []): readonly Renaming[] {
  const at = text.lastIndexOf('=');
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError('OLD=NEW; a * in OLD is what the same * in NEW stands for.');
  return [...previous, { from: text.slice(0, at), to: text.slice(at + 1) }];
}

export const define = (command: Command): Command =>
  partOptions(
    command
      .argument('<model>', 'ONNX model')
      .option('--input <old=new>', 'inputs, by name or by a glob as in img*=image*; repeatable', renaming)
      .option('--output <old=new>', 'outputs', renaming)
      .option('--value <old=new>', 'any values', renaming)
      .option('--initializer <old=new>', 'initializers', renaming)
      .option('--node <old=new>', 'nodes', renaming)
      .option('--metadata <old=new>', 'keys of the metadata', renaming),
  )
    .addHelpText(
      'after',
      "\nExample:\n  cnnx rename m.onnx --initializer 'module.*=*' --input input.1=image -o named.onnx",
    )
    .action(async (path: string, o: Options) => {
      await checkWritable(o.out);
      const model = await openModel(path);
      const before = cloneModel(model);
      const count = renameParts(model, {
        inputs: o.input,
        outputs: o.output,
        values: o.value,
        initializers: o.initializer,
        nodes: o.node,
        metadata: o.metadata,
      });
      io.note(`${count} renamed`);
      await finishPart(before, model, oldNames(before, model), o, 'rename');
    });

/** Inputs and outputs stand in the same places. */
function oldNames(before: Model, after: Model): { inputs: Map<string, string>; outputs: Map<string, string> } {
  const pairs = (from: readonly { name: string }[], to: readonly { name: string }[]): Map<string, string> =>
    new Map(to.map((v, i) => [v.name, from[i]?.name ?? v.name]));
  return {
    inputs: pairs(before.graph.inputs, after.graph.inputs),
    outputs: pairs(before.graph.outputs, after.graph.outputs),
  };
}
