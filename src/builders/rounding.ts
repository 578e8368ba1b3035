/** The nearest whole number; halves go to the even neighbour, as in PyTorch. */
export function roundEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** The multiple of `by` nearest to `x`, at least `by`, and not more than a tenth below `x`: how widths of scaled networks are rounded. */
export function divisible(x: number, by: number): number {
  const near = Math.max(by, Math.floor(Math.trunc(x + by / 2) / by) * by);
  return near < 0.9 * x ? near + by : near;
}
