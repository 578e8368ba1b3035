import type { Node, Value } from '../../../graph/ir.js';
import { BatchNormalization, BatchNormalization7, Flatten, permOf, Reshape, Transpose } from '../../../ops/index.js';
import { shapeOf } from '../../../ops/tensors.js';
import { sameShape } from '../../match.js';
import { notApplicable, isSkip, type Skip } from '../../rule.js';
import { crossed, type Form } from '../form.js';
import { type Lifting, lift } from '../lift.js';
import { normalizationOf, normalized } from './batch-norm.js';

/*
 * BatchNormalization has its channels on axis 1. Where tokens have them on the last, exporters turn them there, and back again: by Transpose, or by
 * Flatten and Reshape. Between a turn and its inverse it is a scale and a shift along the last axis.
 */

/** `back` undoes what `turn` did to `source`, and between them the last axis of `source` is axis 1. */
type Turns = (source: Value, turn: Node, back: Node) => boolean;

function betweenTurns(back: Node, at: Lifting, output: Value, turns: Turns): Form | Skip {
  if (at.layout !== 'last') return notApplicable('channels-not-last');
  const norm = back.inputs[0]?.producer;
  const turn = norm?.inputs[0]?.producer;
  const source = turn?.inputs[0];
  if (!norm || !turn || !source || !(norm.is(BatchNormalization) || norm.is(BatchNormalization7)))
    return notApplicable('no-norm-between');
  if (!turns(source, turn, back) || !sameShape(shapeOf(source), shapeOf(output))) return notApplicable('no-inverse');
  const by = normalizationOf(norm);
  if (isSkip(by)) return by;
  const form = at.operand(source, { channels: by.channels });
  if (isSkip(form)) return form;
  return crossed(normalized(crossed(form, { node: turn }), norm, by), { node: back });
}

const undoes: Turns = (_, turn, back) => {
  const [there, again] = [permOf(turn), permOf(back)];
  return (
    there !== undefined && again !== undefined && there[1] === there.length - 1 && again.every((p, i) => there[p] === i)
  );
};

export const liftTranspose = lift(
  Transpose,
  'Transpose(BatchNormalization(Transpose(x))) -> s * x + t on the last axis',
  (node, at, output) => betweenTurns(node, at, output, undoes),
);

/** The channels stay last where rows of them are merely counted otherwise. */
const keepsRows: Turns = (source, turn) => {
  if (!turn.is(Reshape) && !turn.is(Flatten)) return false;
  const [from, to] = [shapeOf(source), shapeOf(turn.outputs[0])];
  return to?.length === 2 && typeof to[1] === 'number' && to[1] === from?.at(-1);
};

export const liftReshape = lift(
  Reshape,
  'Reshape(BatchNormalization(Reshape(x, [rows, C]))) -> s * x + t on the last axis',
  (node, at, output) => betweenTurns(node, at, output, keepsRows),
);
