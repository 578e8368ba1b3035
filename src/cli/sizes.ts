import { type Command, InvalidArgumentError } from 'commander';
import { type Model, setDims, setDimsChecked, type SetDimsChecked } from '../index.js';
import { io } from './io.js';

/** Sizes of inputs that `convert` changes, and how. */
export interface SizeOptions {
  readonly batch?: number | string;
  readonly dim?: ReadonlyMap<string, number | string>;
  readonly verify: boolean;
}

export const sizeOptions = (command: Command): Command =>
  command
    .option('--batch <size>', 'the first dimension of the inputs: a number, or a name that leaves it open', size)
    .option('--dim <name=size>', 'a named dimension of the inputs; repeatable', dimension)
    .option('--no-verify', 'keep another batch, opset, or images in, without running and comparing');

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

/** Changes the sizes that are asked for, and proves it; undefined where nothing was to be proven. */
export async function changeSizes(model: Model, o: SizeOptions): Promise<SetDimsChecked | undefined> {
  if (o.batch === undefined && !o.dim) return undefined;
  const changes = { batch: o.batch, dims: o.dim };
  if (!o.verify) {
    setDims(model, changes);
    return undefined;
  }
  const proof = await setDimsChecked(model, changes, { onProgress: (text) => io.progress(text) });
  if (proof?.folded) io.note('its constants were computed first, to see which of them say the batch');
  if (proof) io.note(proofText(proof));
  return proof;
}

function proofText({ runs }: SetDimsChecked): string {
  const batches = [...new Set(runs.map((r) => r.batch))].join(' and ');
  const worst = Math.max(0, ...runs.map((r) => r.rmsRelative));
  return `proven: ${batches} samples at once, in two orders, against each alone: RMS-relative difference ${worst === 0 ? '0' : worst.toExponential(1)}`;
}
