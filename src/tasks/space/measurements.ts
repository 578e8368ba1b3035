import * as v from 'valibot';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import type { Measurement, Reference } from './measure.js';
import type { Row } from './rows.js';

const number = v.pipe(v.number(), v.finite());

const referenceSchema = v.object({
  reference: v.string(),
  ms: number,
  provider: v.picklist(['cpu', 'cuda', 'webgpu']),
  threads: number,
  runs: number,
});

const measurementSchema = v.object({
  name: v.string(),
  space: v.string(),
  config: v.record(v.string(), v.unknown()),
  params: number,
  macs: number,
  activations: number,
  memory: number,
  latency: v.object({ ms: number, ratio: number, low: number, high: number }),
});

export interface Measurements {
  readonly reference: Reference;
  readonly rows: readonly Measurement[];
}

/** A file that `space measure` wrote: the reference, then one measurement a line. Throws `space/file`. */
export function readMeasurements([first, ...lines]: readonly unknown[], file: string): Measurements {
  const fault = (line: number, why: string): CnnxError =>
    new CnnxError('space/file', `line ${line} is not what cnnx space measure writes: ${printable(why)}`, {
      at: { file },
      hint: line === 1 ? 'the first line names the reference; give a file of measurements, not of cards' : undefined,
    });
  const reference = v.safeParse(referenceSchema, first);
  if (!reference.success) throw fault(1, reference.issues[0].message);
  const rows = lines.map((line, i) => {
    const row = v.safeParse(measurementSchema, line);
    if (!row.success) throw fault(i + 2, row.issues[0].message);
    return row.output;
  });
  return { reference: reference.output, rows };
}

/** The errors of trained networks: a CSV of name,error, with or without a heading. Throws `space/file`. */
export function readErrors(text: string, file: string): ReadonlyMap<string, number> {
  const out = new Map<string, number>();
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === '' || (i === 0 && /^name,/i.test(line))) return;
    const [, name = '', error = ''] = /^\s*"?([^",]+)"?\s*,\s*([\d.]+)\s*$/.exec(line) ?? [];
    const value = Number(error);
    if (name === '' || error === '' || !(value >= 0 && value <= 100))
      throw new CnnxError('space/file', `line ${i + 1} is not name,error with an error from 0 to 100 percent`, {
        at: { file },
        hint: 'as in anynet_a_s0_001,38.5',
      });
    out.set(name.trim(), value);
  });
  return out;
}

/** One line for each network, with a heading. */
export function rowsCsv(rows: readonly Row[]): string {
  const cell = (x: string | number | undefined): string =>
    typeof x === 'string' && /[",\n]/.test(x) ? `"${x.replaceAll('"', '""')}"` : String(x ?? '');
  const lines = rows.map((r) =>
    [r.name, r.space, r.params, r.macs, r.activations, r.memory, r.latency.ms, r.latency.ratio, r.error]
      .map(cell)
      .join(','),
  );
  return ['name,space,params,macs,activations,memory,ms,ratio,error', ...lines].join('\n');
}
