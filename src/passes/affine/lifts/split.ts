import { Split, Split13, Split2, splitSizes } from '../../../ops/index.js';
import { absent, isSkip, skip } from '../../rule.js';
import { crossed, selectOutputs } from '../form.js';
import { lift } from '../lift.js';

/** One part of a Split of the channels: those channels of its input, which is always taken as a source, since the other parts need it too. */
export const liftSplit = lift([Split, Split13, Split2], 'a selection of channels', (split, at, part) => {
  at.met.parts = true;
  if (!at.choices.parts) return absent('taken as a source');
  const sizes = splitSizes(split);
  if (!sizes) return skip('the sizes of the parts are not known');
  if (sizes.axis !== 1 || at.layout !== 'first') return absent('splits another axis than the channels');
  const x = split.inputs[0];
  const form = x ? at.source(x) : absent('no input');
  if (isSkip(form)) return form;
  const index = split.outputs.indexOf(part);
  const start = sizes.sizes.slice(0, index).reduce((n, s) => n + s, 0);
  return crossed(selectOutputs(form, start, sizes.sizes[index] ?? 0), { node: split });
});
