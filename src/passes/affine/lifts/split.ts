import { Split, Split13, Split2, splitSizes } from '../../../ops/index.js';
import { notApplicable, isSkip, skip } from '../../rule.js';
import { crossed, selectOutputs } from '../form.js';
import { lift } from '../lift.js';

/** One part of a Split of the channels: those channels of its input, which is always taken as a source, since the other parts need it too. */
export const liftSplit = lift(
  [Split, Split13, Split2],
  'Split(x) on channels -> channels from .. to of x',
  (split, at, part) => {
    at.met.parts = true;
    if (!at.choices.parts) return notApplicable('source-cut-off');
    const sizes = splitSizes(split);
    if (!sizes) return skip('split-unknown');
    if (sizes.axis !== 1 || at.layout !== 'first') return notApplicable('splits-other-axis');
    const x = split.inputs[0];
    const form = x ? at.source(x) : notApplicable('no-input');
    if (isSkip(form)) return form;
    const index = split.outputs.indexOf(part);
    const start = sizes.sizes.slice(0, index).reduce((n, s) => n + s, 0);
    return crossed(selectOutputs(form, start, sizes.sizes[index] ?? 0), { node: split });
  },
);
