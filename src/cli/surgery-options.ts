import type { Command } from 'commander';
import { Editor } from '../graph/edit.js';
import { mergeDuplicateInitializers } from '../passes/duplicate-initializers.js';
import { exposeValues, inlineFunctions, type Model, stripModel } from '../index.js';

/** Edits of `convert` that keep what the outputs are. */
export interface SurgeryOptions {
  readonly expose?: readonly string[];
  readonly strip?: boolean;
  readonly inlineFunctions?: boolean;
  readonly dedupe?: boolean;
}

export const surgeryOptions = (command: Command): Command =>
  command
    .option('--expose <values...>', 'inner values that become outputs too')
    .option('--inline-functions', "the nodes of the model's functions in the place of their calls")
    .option('--dedupe', 'one initializer in the place of equal ones')
    .option('--strip', 'without types of inner values, doc strings and metadata');

/** The edited model, and what was done, line by line. */
export function operate(model: Model, o: SurgeryOptions): { readonly model: Model; readonly done: readonly string[] } {
  const done: string[] = [];
  let edited = model;
  if (o.inlineFunctions) {
    const { model: inlined, calls } = inlineFunctions(model);
    edited = inlined;
    done.push(`${calls} calls of functions are their nodes now`);
  }
  if (o.expose) {
    exposeValues(edited, o.expose);
    done.push(`outputs too: ${o.expose.join(', ')}`);
  }
  if (o.dedupe)
    done.push(`${mergeDuplicateInitializers(edited, new Editor(edited))} initializers were equal to others`);
  if (o.strip) {
    const { valueInfos, docStrings, metadata } = stripModel(edited);
    done.push(`stripped: ${valueInfos} types of inner values, ${docStrings} doc strings, ${metadata} metadata entries`);
  }
  return { model: edited, done };
}
