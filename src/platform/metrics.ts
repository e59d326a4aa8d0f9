import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const LATENCY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Prometheus metrics of one process. Labels come from closed sets only: never a tenant, an id or a name of theirs. */
export class Metrics {
  readonly registry = new Registry();
  /** Rate, errors and duration of every root field. `code` is `OK` or a failure code. */
  readonly operations = new Histogram({
    name: 'modelmint_operation_seconds',
    help: 'Duration of GraphQL root fields',
    labelNames: ['operation', 'code'] as const,
    buckets: LATENCY_SECONDS,
    registers: [this.registry],
  });
  readonly requests = new Histogram({
    name: 'modelmint_http_request_seconds',
    help: 'Duration of HTTP requests',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: LATENCY_SECONDS,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'modelmint_' });
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({
      name: `modelmint_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
    });
  }

  /** Read when Prometheus asks. */
  gauge(name: string, help: string, read: () => number): void {
    const registers = [this.registry];
    new Gauge({
      name: `modelmint_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
}
