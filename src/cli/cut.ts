import type { Command } from 'commander';
import { checkWritable } from '../node/files/write-file.js';
import { cutModel, openModel } from '../index.js';
import { finishPart, type PartOptions, partOptions } from './part.js';

interface Options extends PartOptions {
  readonly from?: readonly string[];
  readonly to?: readonly string[];
}

export const define = (command: Command): Command =>
  partOptions(
    command
      .argument('<model>', 'ONNX model')
      .option('--from <values...>', 'values that become inputs; what made them goes')
      .option('--to <values...>', "values that become the outputs, instead of the model's own"),
  )
    .addHelpText('after', '\nExample:\n  cnnx cut resnet50.onnx --to /layer2/layer2.0/relu_out -o stem.onnx')
    .action(async (path: string, o: Options) => {
      await checkWritable(o.out);
      const model = await openModel(path);
      const part = cutModel(model, { from: o.from, to: o.to });
      await finishPart(model, part, {}, o, 'cut');
    });
