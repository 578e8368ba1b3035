/** The windows of adaptive pooling along one axis. */
export interface AdaptiveWindows {
  /** The common size of all windows, if they have one. */
  readonly size: number | undefined;
  /** The common distance of their starts, if they have one that a pooling can step by: windows on one spot have none. */
  readonly step: number | undefined;
  /** The positions that the windows cover, one window after the other. */
  readonly indices: readonly number[];
  /** The weights as a matrix out x in, or, transposed, in x out; row-major. */
  matrix(transposed: boolean): readonly number[];
}

/** PyTorch's rule: window i covers floor(i input / output) up to, not including, ceil((i + 1) input / output). */
export function adaptiveWindows(input: number, output: number): AdaptiveWindows {
  const starts = Array.from({ length: output }, (_, i) => Math.floor((i * input) / output));
  const sizes = starts.map((start, i) => Math.ceil(((i + 1) * input) / output) - start);
  const steps = starts.slice(1).map((start, i) => start - (starts[i] ?? 0));
  const indices = starts.flatMap((start, i) => Array.from({ length: sizes[i] ?? 0 }, (_, k) => start + k));
  const weight = (o: number, i: number): number => {
    const at = i - (starts[o] ?? 0);
    const size = sizes[o] ?? 1;
    return at >= 0 && at < size ? 1 / size : 0;
  };
  return {
    size: common(sizes),
    step: steps.length === 0 ? input : common(steps) || undefined,
    indices,
    matrix: (transposed) =>
      transposed
        ? Array.from({ length: input * output }, (_, k) => weight(k % output, Math.floor(k / output)))
        : Array.from({ length: input * output }, (_, k) => weight(Math.floor(k / input), k % input)),
  };
}

const common = (values: readonly number[]): number | undefined =>
  values.every((x) => x === values[0]) ? values[0] : undefined;
