import { type Command, InvalidArgumentError, Option } from 'commander';
import { grouped } from '../base/text.js';
import { summaryOf } from '../builders/build.js';
import { variantOf } from '../builders/card.js';
import { goldenVarScale } from '../builders/golden.js';
import { readJson } from '../node/files/json-file.js';
import { buildArchitecture, findVariant, type Init, parseOwnCard, saveModel, type Variant } from '../index.js';
import { io } from './io.js';
import { amount, count, whole } from './options.js';
import { checkOutput, writing } from './output.js';
import { asTrained, bindTrained, findTrained, WEIGHT_OPTIONS, type WeightOptions } from './weights.js';

interface Options extends WeightOptions {
  readonly out?: string;
  readonly variant?: string;
  readonly init: string;
  readonly seed: number;
  readonly batch: number | string;
  readonly opset?: number;
  readonly acb?: 'authors' | 'plain' | true;
  readonly form?: 'grouped' | 'paths';
  readonly set?: Readonly<Record<string, unknown>>;
  readonly json?: boolean;
}

/** Options of families that have a flag of their own; what is not given stays as the card says. */
const CONFIG = [
  new Option('--num-classes <n>', 'outputs of the classifier').argParser(count),
  new Option('--image-size <pixels>', 'height and width of the input').argParser(count),
  new Option('--in-channels <n>', 'channels of the input').argParser(count),
  new Option('--aux', 'with auxiliary heads (GoogLeNet, Inception v3)'),
  new Option('--no-aux', 'without them'),
  new Option('--transform-input', "turn ImageNet's normalisation into the 0.5 of Google's weights"),
  new Option('--softmax', 'add an output probas, the softmax of the logits'),
  new Option(
    '--groups <n>',
    'groups of the 3x3 convolutions (ResNet), or of convolutions 2, 4 and 5 (AlexNet)',
  ).argParser(count),
  new Option('--width-per-group <n>', 'channels of each group in the first stage (ResNet)').argParser(count),
  new Option('--replace-stride-with-dilation <flags>', 'for stages 2, 3 and 4 of a ResNet, as in 0,1,1').argParser(
    flags,
  ),
  new Option('--width <factor>', 'multiplies the channels (MobileNet, EfficientNet, MNASNet)').argParser(amount),
  new Option('--deploy', 'the merged form in the place of the training form (RepVGG, MobileOne)'),
  new Option('--zero-init-residual', "start each residual branch's last scale at 0 (ResNet)"),
];

export const define = (command: Command): Command => {
  command
    .argument('<name>', 'an architecture that cnnx list shows, or a card of your own (a .json file)')
    .option('-o, --out <file>', 'ONNX file to write, - for standard output; NAME.onnx if left out')
    .option('--variant <name>', 'which variant of a card that has several');
  for (const option of [...CONFIG, ...WEIGHT_OPTIONS]) command.addOption(option);
  return command
    .option('--set <option=value>', "any option of the architecture's card; repeatable", setting)
    .option('--batch <n>', 'batch size, or a name to leave it open', batch, 1)
    .option('--opset <n>', 'version of the operator set', count)
    .addOption(
      new Option(
        '--acb [kind]',
        'asymmetric blocks for square convolutions: the form of their authors, or the plain one',
      ).choices(['authors', 'plain']),
    )
    .addOption(
      new Option('--form <form>', 'grouped convolutions as they are, or as parallel paths').choices([
        'grouped',
        'paths',
      ]),
    )
    .option(
      '--init <kind>',
      "fresh weights: original (the distributions that the networks' own code names), golden (docs/golden.md), or golden:FILE",
      initKind,
      'original',
    )
    .option('--seed <n>', 'of --init original', whole, 0)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nExample:\n  cnnx build resnet50 --num-classes 10 --batch N -o r50.onnx')
    .action(async (name: string, o: Options) => {
      const found = await find(name, o.variant);
      const out = o.out ?? `${found.name.replace(/[^\w.-]/g, '_')}.onnx`;
      await checkOutput(out);
      const trained = await findTrained(found, o);
      const { variant, config } = asTrained(found, { ...given(command), ...o.set }, trained);
      io.progress(`building ${variant.name}`);
      const built = buildArchitecture(variant, {
        config,
        batch: o.batch,
        opset: o.opset,
        acb: o.acb === true ? 'authors' : o.acb,
        form: o.form,
        init: await initOf(o),
      });
      const weights = trained && (await bindTrained(built, trained, o));
      const saved = await saveModel(built.model, out, { onProgress: writing(out) });
      if (saved.tooLarge) io.note(`larger than one file can be: the weights are in ${saved.side}`);
      const summary = summaryOf(built);
      if (o.json && out !== '-')
        await io.report('build', { file: out, side: saved.side, ...summary, ...(weights && { weights }) });
      else if (out === '-') io.note(reportText('standard output', summary));
      else io.print(reportText(out, summary));
    });
};

/** What the user said of the architecture's options, by their names in cards. */
function given(command: Command): Readonly<Record<string, unknown>> {
  const config: Record<string, unknown> = {};
  for (const option of CONFIG) {
    const key = option.attributeName();
    if (command.getOptionValueSource(key) === 'cli') config[key] = command.getOptionValue(key);
  }
  return config;
}

async function find(name: string, variant: string | undefined): Promise<Variant> {
  if (name !== '-' && !/\.json$|[\\/]/.test(name)) return findVariant(name);
  return variantOf(parseOwnCard(await readJson(name)), variant);
}

async function initOf({ init, seed }: Options): Promise<Init> {
  if (init === 'original') return { kind: 'original', seed };
  if (init === 'golden') return { kind: 'golden' };
  return { kind: 'golden', varScale: goldenVarScale(await readJson(init.slice('golden:'.length))) };
}

function initKind(text: string): string {
  if (/^(original|golden|golden:.+)$/s.test(text)) return text;
  throw new InvalidArgumentError('It is original, golden, or golden:FILE.');
}

function reportText(out: string, { architecture, params, input, outputs }: ReturnType<typeof summaryOf>): string {
  const shapes = outputs.map((o) => `${o.name} ${o.type}`).join(', ');
  return `${out}: ${architecture}, ${grouped(params)} parameters; ${input.name} ${input.type} to ${shapes}`;
}

function flags(text: string): readonly boolean[] {
  const words = text.split(',').map((w) => w.trim().toLowerCase());
  if (words.length !== 3 || words.some((w) => !/^(0|1|true|false)$/.test(w)))
    throw new InvalidArgumentError('Three of 0 and 1, as in 0,1,1.');
  return words.map((w) => w === '1' || w === 'true');
}

function batch(text: string): number | string {
  if (/^\d+$/.test(text)) return count(text);
  if (/^[A-Za-z_]\w*$/.test(text)) return text;
  throw new InvalidArgumentError('A whole number from 1 on, or a name.');
}

/** NAME=VALUE, the value as JSON, numbers with commas between them, or else as text. */
function setting(text: string, previous: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('OPTION=VALUE, as in theta=0.5 or layers=2,2,2,2.');
  return { ...previous, [name]: parsed(value) };
}

const NUMBERS = /^-?[\d.]+(,-?[\d.]+)+$/;

function parsed(value: string): unknown {
  try {
    return JSON.parse(NUMBERS.test(value) ? `[${value}]` : value) as unknown;
  } catch {
    return value;
  }
}
