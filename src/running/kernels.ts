/** One kernel as it ran: a node of the graph that onnxruntime made of the model. */
export interface KernelRun {
  readonly node: string;
  readonly op: string;
  /** Which provider ran it: 'cpu', 'cuda', 'webgpu'. */
  readonly provider: string;
  readonly milliseconds: number;
}

/** How many kernels each provider ran, most first: `cpu 12, webgpu 3`. */
export function providersText(runs: readonly KernelRun[]): string {
  const counts = new Map<string, number>();
  for (const { provider } of runs) counts.set(provider, (counts.get(provider) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([provider, n]) => `${provider} ${n}`)
    .join(', ');
}
