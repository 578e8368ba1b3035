import { type Command, InvalidArgumentError } from 'commander';
import { checkWritable, openModel, saveModel, setDims } from '../index.js';
import { io } from './io.js';

interface Options {
  readonly out: string;
  readonly batch?: number | string;
  readonly dim?: ReadonlyMap<string, number | string>;
  readonly externalData?: boolean;
  readonly inline?: boolean;
  readonly json?: boolean;
}

/** A size from 1 on, or a name for one that stays open. */
function size(text: string): number | string {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  if (!/^[A-Za-z_][\w.-]*$/.test(text)) throw new InvalidArgumentError('A whole number from 1 on, or a name.');
  return text;
}

function dimension(
  text: string,
  previous: ReadonlyMap<string, number | string> | undefined,
): Map<string, number | string> {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('NAME=SIZE, as in height=224.');
  return new Map(previous).set(text.slice(0, at), size(text.slice(at + 1)));
}

export const define = (command: Command): Command =>
  command
    .argument('<model>', 'ONNX file; - for standard input')
    .requiredOption('-o, --out <file>', 'ONNX file to write; - for standard output')
    .option('--batch <size>', 'the first dimension of the inputs: a number, or a name that leaves it open', size)
    .option('--dim <name=size>', 'a named dimension of the inputs; repeatable', dimension)
    .option('--external-data', 'put the weights into a file beside the model')
    .option('--inline', 'put all weights into the model')
    .option('--json', 'print what was written as JSON')
    .addHelpText('after', '\nExample:\n  cnnx convert resnet50.onnx -o resnet50-n.onnx --batch n --external-data')
    .action(async (path: string, o: Options) => {
      const model = await openModel(path);
      await checkWritable(o.out);
      if (o.batch !== undefined || o.dim) setDims(model, { batch: o.batch, dims: o.dim });
      const saved = await saveModel(model, o.out, {
        weights: o.externalData ? 'side' : o.inline ? 'inline' : undefined,
      });
      const beside = saved.side === undefined ? '' : `, weights in ${saved.side}`;
      const why = saved.tooLarge ? ' (larger than one protobuf file may be)' : '';
      if (o.json && o.out !== '-') io.json(saved);
      else io.printBeside(o.out, `written: ${saved.path}${beside}${why}`);
    });
