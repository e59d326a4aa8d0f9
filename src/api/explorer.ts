import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

interface Page {
  readonly html: string;
  readonly policy: string;
}

/** GraphiQL with everything inside: it works without the internet, and may talk to this gateway only. */
const render = async (): Promise<Page> => {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'modelmint explorer',
    endpoint: '/graphql',
    subscriptionsProtocol: 'WS',
    headers: JSON.stringify({ authorization: 'Bearer mm_...' }, null, 2),
    defaultQuery: '# Put an API key under «Headers», then ask.\n{\n  me {\n    kind\n    scopes\n  }\n}\n',
  });
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script]) =>
      `'sha256-${createHash('sha256')
        .update(script ?? '')
        .digest('base64')}'`,
  );
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.join(' ')}`,
    'worker-src blob:',
    "style-src 'self' 'unsafe-inline'", // the editor makes its styles as it goes
    'img-src data:',
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
};

/** GET /graphql and /explorer: the explorer page. Nine megabytes, made when first asked for. */
export const registerExplorer = (app: FastifyInstance): void => {
  let page: Promise<Page> | undefined;
  for (const url of ['/graphql', '/explorer']) {
    app.get(url, async (_request, reply) => {
      const { html, policy } = await (page ??= render());
      return reply
        .header('content-security-policy', policy)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer')
        .type('text/html; charset=utf-8')
        .send(html);
    });
  }
};
