import { type Command, InvalidArgumentError, Option } from 'commander';
import { CnnxError } from '../base/errors.js';
import { adjustLimits, LIMITS } from '../base/limits.js';
import { didYouMean, printable } from '../base/text.js';

/*
 * Readers of option values. What they throw, commander prints with the option's name.
 */

/** A whole number of at least 1. */
export function count(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(n) || n < 1)
    throw new InvalidArgumentError('A whole number from 1 on.');
  return n;
}

/** A whole number from 0 on. */
export function whole(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(n)) throw new InvalidArgumentError('A whole number from 0 on.');
  return n;
}

/** A number from 0 on. */
export function amount(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isFinite(n) || n < 0) throw new InvalidArgumentError('A number from 0 on.');
  return n;
}

/** NAME=1,3,224,224; may be given for several names. A name may itself have an '=' in it. */
export function namedShape(
  text: string,
  previous: ReadonlyMap<string, readonly number[]> | undefined,
): ReadonlyMap<string, readonly number[]> {
  const [, name = '', sizes = ''] = /^(.+)=([\d,x]*)$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('NAME=SIZE,SIZE,... as in input=1,3,224,224.');
  return new Map(previous).set(name, sizes === '' ? [] : sizes.split(/[,x]/).map(Number));
}

/** NAME=NAME; may be given for several. A name may itself have an '=' in it: the last one counts. */
export function namedName(
  text: string,
  previous: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> {
  const [, name = '', other = ''] = /^(.+)=(.+)$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('NAME=NAME, as in logits=output_0.');
  return new Map(previous).set(name, other);
}

/** NAME=NUMBER; may be given for several names. */
export function namedSize(
  text: string,
  previous: ReadonlyMap<string, number> | undefined,
): ReadonlyMap<string, number> {
  const [, name = '', size = ''] = /^(.+)=(\d+)$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('NAME=NUMBER, as in batch=4.');
  return new Map(previous).set(name, Number(size));
}

const PROVIDER_CHOICES = ['auto', 'cuda', 'webgpu', 'cpu'] as const;
type ProviderChoice = (typeof PROVIDER_CHOICES)[number];

/** Several providers, with commas between them. */
export function providerList(text: string): readonly ProviderChoice[] {
  return text.split(',').map((name) => {
    const known = PROVIDER_CHOICES.find((p) => p === name);
    if (!known) throw new InvalidArgumentError(`Allowed choices are ${PROVIDER_CHOICES.join(', ')}.`);
    return known;
  });
}

export interface ProviderOptions {
  readonly provider: ProviderChoice;
  readonly device: number;
}

/** Which provider runs a model, on commands that run one. */
export const providerOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--provider <name>', 'what runs the model; auto takes the first that works')
        .choices(PROVIDER_CHOICES)
        .default('auto'),
    )
    .option('--device <n>', 'which GPU', whole, 0)
    .option('--verbose', 'say why providers were passed over');

/** Bounds on what files may ask for, on every command that reads one. */
export const limitOption = (command: Command): Command =>
  command.options.some((o) => o.long === '--limit')
    ? command
    : command.option(
        '--limit <name=value>',
        'another bound on what a file may ask for (docs/security.md); repeatable',
        limit,
      );

/** NAME=VALUE: sets a bound on what files may ask for. */
export function limit(text: string): string {
  const [, name = '', value = ''] = /^(\w+)=(\d+)$/.exec(text) ?? [];
  if (!Number.isSafeInteger(Number(value)) || Number(value) < 1 || name === '')
    throw new InvalidArgumentError('NAME=NUMBER, as in messageDepth=200.');
  if (!Object.hasOwn(LIMITS, name)) {
    throw new CnnxError('cli/usage', `there is no limit named ${printable(name)}`, {
      hint: didYouMean(name, Object.keys(LIMITS), 1) ?? `one of ${Object.keys(LIMITS).join(', ')}`,
    });
  }
  adjustLimits({ [name]: Number(value) });
  return text;
}
