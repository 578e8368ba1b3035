import type { ClassScore } from '../running/class-scores.js';

/** How results of images are printed for programs, one line each as they come. */
export const LINE_FORMATS = ['csv', 'jsonl'] as const;
export type LineFormat = (typeof LINE_FORMATS)[number];

/** What a model says of an image, or why it says nothing. */
export interface ImageLine {
  readonly image: string;
  readonly classes: readonly (ClassScore & { readonly label?: string | undefined })[];
  readonly error?: string | undefined;
}

/** The first line of a table. */
export const csvHead = (top: number): string =>
  [
    'image',
    'error',
    ...Array.from({ length: top }, (_, i) => [`class_${i + 1}`, `label_${i + 1}`, `probability_${i + 1}`]).flat(),
  ].join(',');

/** One line of a table, quoted as RFC 4180 has it, or one JSON text. */
export function imageLine(line: ImageLine, format: LineFormat, top: number): string {
  if (format === 'jsonl')
    return JSON.stringify(
      line.error === undefined
        ? { image: line.image, classes: line.classes }
        : { image: line.image, error: line.error },
    );
  const cells = Array.from({ length: top }, (_, i) => {
    const c = line.classes[i];
    return c ? [String(c.index), c.label ?? '', c.probability.toPrecision(6)] : ['', '', ''];
  });
  return [line.image, line.error ?? '', ...cells.flat()].map(quoted).join(',');
}

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
