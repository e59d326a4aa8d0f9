import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../platform/metrics';

export interface Health {
  /** Each rejects, or takes too long, when the part is not usable. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  readonly draining: () => boolean;
}

const CHECK_MS = 1500;

/** False when the part fails, or takes too long. */
export const answersInTime = async (check: () => Promise<void>): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_MS);
  });
  try {
    return await Promise.race([check().then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
};

/** /livez never looks at others: a gateway without PostgreSQL still predicts. /readyz does. */
export const registerHealth = (app: FastifyInstance, health: Health, metrics: Metrics): void => {
  app.get('/livez', async () => ({ status: 'ok' }));

  app.get('/readyz', async (_request, reply) => {
    const names = Object.keys(health.checks);
    const answers = await Promise.all(Object.values(health.checks).map(answersInTime));
    const parts = Object.fromEntries(
      names.map((name, index) => [name, answers[index] === true ? 'ok' : 'down']),
    );
    const ready = answers.every(Boolean) && !health.draining();
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'ready' : health.draining() ? 'draining' : 'not ready', parts });
  });

  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
};
