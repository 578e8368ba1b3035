/** What the server counts, in Prometheus' text form. */
export interface Metrics {
  /** One answered request. */
  answered(model: string, status: number, milliseconds: number): void;
  /** A runner was lost. */
  lost(model: string): void;
  readonly contentType: string;
  text(pending: ReadonlyMap<string, number>): Promise<string>;
}

/** Seconds: from a small network on a CPU to a large one in a queue. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export async function createMetrics(): Promise<Metrics> {
  const prom = await import('prom-client');
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  const requests = new prom.Counter({
    name: 'cnnx_requests_total',
    help: 'Requests answered, by model and HTTP status',
    labelNames: ['model', 'status'],
    registers: [registry],
  });
  const seconds = new prom.Histogram({
    name: 'cnnx_request_seconds',
    help: 'Time from the last byte of a request to its answer',
    labelNames: ['model'],
    buckets: BUCKETS,
    registers: [registry],
  });
  const lost = new prom.Counter({
    name: 'cnnx_runners_lost_total',
    help: 'Processes that ended while they ran a model, and were replaced',
    labelNames: ['model'],
    registers: [registry],
  });
  const pending = new prom.Gauge({
    name: 'cnnx_pending_requests',
    help: 'Requests that wait or run',
    labelNames: ['model'],
    registers: [registry],
  });
  return {
    answered: (model, status, milliseconds) => {
      requests.inc({ model, status });
      seconds.observe({ model }, milliseconds / 1000);
    },
    lost: (model) => lost.inc({ model }),
    contentType: registry.contentType,
    text: (counts) => {
      for (const [model, n] of counts) pending.set({ model }, n);
      return registry.metrics();
    },
  };
}
