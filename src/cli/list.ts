import type { Command } from 'commander';
import { table } from '../base/text.js';
import { findVariant, starterCard, type Variant, variants } from '../index.js';
import { io } from './io.js';

interface Options {
  readonly card?: string;
  readonly json?: boolean;
}

const millions = (n: number | undefined): string => (n === undefined ? '' : (n / 1e6).toFixed(1));
const billions = (n: number | undefined): string => (n === undefined ? '' : (n / 1e9).toFixed(2));

/** Variants with the word in their name or family; where there are none, in their card's title. */
function matching(word: string): readonly Variant[] {
  const has = (text: string | undefined): boolean => text?.toLowerCase().includes(word) ?? false;
  const named = variants().filter((v) => has(v.name) || has(v.card.family.name));
  return named.length > 0 ? named : variants().filter((v) => has(v.card.title));
}

export const define = (command: Command): Command =>
  command
    .argument('[word]', 'only those with this word in their name, family or title')
    .option('--card <name>', 'print a card to copy and edit, which cnnx build takes')
    .option('--json', 'print as JSON')
    .addHelpText('after', '\nExample:\n  cnnx list resnext\n  cnnx list --card resnet50 > my-resnet.json')
    .action(async (word: string | undefined, o: Options) => {
      if (o.card !== undefined) return io.json(starterCard(findVariant(o.card)));
      const wanted = word?.toLowerCase() ?? '';
      const rows = matching(wanted).map((v) => ({
        name: v.name,
        family: v.card.family.name,
        title: v.card.title ?? '',
        params: v.params,
        macs: v.macs,
        activations: v.activations,
        input: `${String(v.config['inChannels'])}x${String(v.config['imageSize'])}x${String(v.config['imageSize'])}`,
      }));
      if (o.json) return io.report('list', { architectures: rows });
      if (rows.length === 0) return io.note(`no architecture has ${JSON.stringify(word)} in its name, family or title`);
      io.print(
        table(
          rows.map((r) => [r.name, millions(r.params), billions(r.macs), millions(r.activations), r.input]),
          ['name', 'params M', 'MACs G', 'activations M', 'input'],
        ),
      );
    });
