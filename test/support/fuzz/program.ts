import * as fc from 'fast-check';
import { Draft, Draw, filled, type Val } from './draft.js';
import { STEPS } from './steps.js';

export interface Program {
  readonly setting: readonly number[];
  readonly steps: readonly { readonly op: number; readonly from: number; readonly numbers: readonly number[] }[];
}

/** A random graph as the numbers that it is drawn from; shrinks to fewer steps and simpler choices. */
export const program: fc.Arbitrary<Program> = fc.record({
  setting: fc.array(fc.nat(255), { minLength: 8, maxLength: 8 }),
  steps: fc.array(
    fc.record({
      op: fc.nat(STEPS.length - 1),
      from: fc.nat(7),
      numbers: fc.array(fc.nat(255), { minLength: 24, maxLength: 24 }),
    }),
    { minLength: 1, maxLength: 5, size: 'max' },
  ),
});

/** Images grow with 3x3 after 3x3 only so far. */
const MAX_ELEMENTS = 4000;

/** The graph in text form: a valid model, whatever the numbers. */
export function textOf({ setting, steps }: Program): string {
  const d = new Draw(setting);
  const opset = d.pick([17, 17, 18, 13, 11, 9, 7, 21]);
  const ir = opset < 13 && d.rarely(3) ? 3 : 8;
  const g = new Draft({ opset, ir, dtype: d.rarely(16) ? 'float64' : 'float32' });
  const rank = d.pick([2, 2, 2, 1, 3]);
  const side = rank === 3 ? 5 : d.pick([9, 7, 6, 9]);
  const free = side === 9 ? d.pick([0, 1, 2, 0]) : 0;
  const channels = d.pick([4, 2, 3, 6, 9]);
  const sizes = [2, channels, ...filled(rank, side)];
  // Free dimensions are fed as 2 images and 9 pixels.
  const declared = sizes.map((n, i) => (free > 0 && i === 0 ? 'n' : free > 1 && i > 1 ? `d${i}` : String(n)));
  g.values.push({ name: 'x', shape: sizes });
  for (const step of steps) {
    const draw = new Draw(step.numbers);
    // Mostly the last value; sometimes an earlier one, which is then needed twice.
    const x = g.values[g.values.length - 1 - (step.from < 6 ? 0 : step.from % g.values.length)] ?? {
      name: 'x',
      shape: sizes,
    };
    const run = STEPS[step.op] ?? STEPS[0];
    const y = run(g, x, draw);
    if (y.name !== x.name && fits(y)) g.values.push(y);
  }
  const flag = g.lines.some((l) => l.includes('If<')) ? ['flag: bool[]'] : [];
  if (g.values.length === 1) g.values.push(g.elementwise('Relu', g.values));
  return g.text([`x: ${g.setting.dtype}[${declared.join()}]`, ...flag]);
}

const fits = (y: Val): boolean =>
  y.shape.length > 2 && y.shape.every((n) => n >= 1) && y.shape.reduce((a, b) => a * b, 1) <= MAX_ELEMENTS;
