import type { Measurement } from './measure.js';
import type { Correlation } from './statistics.js';

/** A measured network, with the error that its owner found by training it. */
export interface Row extends Measurement {
  /** Top-1 error in percent. */
  readonly error?: number | undefined;
}

export const COMPLEXITIES = ['macs', 'params', 'activations'] as const;
export type Complexity = (typeof COMPLEXITIES)[number];

export interface SpaceSummary {
  readonly space: string;
  readonly networks: number;
  /** Milliseconds. `spread` is the 90th percentile over the 10th. */
  readonly latency: { readonly least: number; readonly median: number; readonly p90: number; readonly spread: number };
  readonly edf: readonly (readonly [number, number])[];
  /** Of the errors, where at least two networks have one. */
  readonly errorEdf?: readonly (readonly [number, number])[] | undefined;
  /** Of log latency with the log of each measure. */
  readonly correlation: Readonly<Record<Complexity, Correlation>>;
}

/** A question that the paper answers, and what these measurements say of it. */
export interface Finding {
  readonly claim: string;
  readonly answer: string;
}
