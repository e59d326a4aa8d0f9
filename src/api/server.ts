/** The HTTP face of the gateway: GraphQL, its subscriptions, health, metrics and the explorer. */
import { ApolloServer } from '@apollo/server';
import type { ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure, FAILURES } from '../../contracts';
import { systemClock } from '../platform/clock';
import type { Clock } from '../platform/clock';
import type { Logger } from '../platform/log';
import { newId } from '../platform/ids';
import type { Metrics } from '../platform/metrics';
import type { Authenticator } from './authenticator';
import { ApiContext } from './context';
import { cookieValue, fromOtherSite, sessionCookie, setCookieHeader } from './cookie';
import { present, serving, statusOf, toFailure } from './errors';
import type { Serving } from './errors';
import { registerExplorer } from './explorer';
import { registerHealth } from './health';
import type { Health } from './health';
import { idempotencyOf } from './idempotency';
import { registerInvitationPage } from './invitation-page';
import { costLimit, LIMITS, shapeLimits } from './limits';
import { RateLimit, RateLimited } from './rate-limit';
import { buildApiSchema } from './schema';
import type { ResolverClass } from './schema';
import { serveSubscriptions } from './subscriptions';

export interface ApiOptions {
  readonly resolverClasses: readonly ResolverClass[];
  /** One instance of each class. */
  readonly resolvers: readonly object[];
  readonly authenticator: Authenticator;
  /** Names of what readiness needs: `{ postgres: () => db.ping(), nats: () => messaging.ping() }`. */
  readonly checks: Health['checks'];
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Where callers reach the gateway; https makes cookies secure. Read when needed: a port may be chosen late. */
  readonly publicUrl: () => string;
  readonly limits?: { readonly perSecond: number; readonly burst: number };
  /** Further routes (object transfer). Registered before the server is ready. */
  readonly routes?: (app: FastifyInstance) => Promise<void>;
}

export interface Api {
  readonly app: FastifyInstance;
  /** Readiness fails from now on; then `app.close()` waits for running requests. */
  drain(): void;
}

/** GraphQL requests at a time; more would only wait for the same database and runners. */
const MOST_RUNNING = 1000;
const DEFAULT_LIMITS = { perSecond: 500, burst: 2000 };
/** For callers without a credential: enough to log in, not to try keys. */
const STRANGER_LIMITS = { perSecond: 20, burst: 100 };

const requestIdOf = (request: FastifyRequest): string => {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : newId();
};

/** Sets the status of an answer without data where the failure concerns the whole request. */
const statuses: ApolloServerPlugin<ApiContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response }) {
        if (response.body.kind !== 'single') return;
        const { data, errors } = response.body.singleResult;
        if (errors === undefined || (data !== null && data !== undefined)) return;
        response.http.status = statusOf(errors[0]?.extensions?.['code']) ?? response.http.status;
        const code = errors[0]?.extensions?.['code'];
        if (code === 'UNAVAILABLE' || code === 'OVERLOADED' || code === 'METER_UNAVAILABLE') {
          response.http.headers.set('retry-after', '1');
        }
      },
    };
  },
};

export const createApi = async (options: ApiOptions): Promise<Api> => {
  const { metrics, log, authenticator } = options;
  const clock = options.clock ?? systemClock;
  const limits = options.limits ?? DEFAULT_LIMITS;
  const callers = new RateLimit(limits.perSecond, limits.burst, clock);
  const strangers = new RateLimit(STRANGER_LIMITS.perSecond, STRANGER_LIMITS.burst, clock);
  let draining = false;
  let running = 0;

  const schema = buildApiSchema(options.resolverClasses, options.resolvers, {
    observe: (operation, code, seconds) => metrics.operations.observe({ operation, code }, seconds),
  });
  const app = fastify({
    logger: false,
    genReqId: (raw) => requestIdOf({ headers: raw.headers } as FastifyRequest),
    bodyLimit: LIMITS.bodyBytes,
    // An upload may take long; what a slow caller may hold is bounded by the routes themselves.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
  });
  const scopes = new WeakMap<FastifyRequest, Serving>();
  app.addHook('onRequest', async (request, reply) => {
    const scope = { requestId: request.id, log: log.child({ requestId: request.id }), operations: [] };
    scopes.set(request, scope);
    void reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const seconds = reply.elapsedTime / 1000;
    metrics.requests.observe({ route, method: request.method, status: String(reply.statusCode) }, seconds);
    const scope = scopes.get(request);
    const quiet = route === '/livez' || route === '/readyz' || route === '/metrics';
    scope?.log[quiet ? 'debug' : 'info'](
      {
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        operations: scope.operations,
      },
      'request',
    );
  });
  const refuse = (request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply => {
    const failure = asHttpFailure(error);
    if (failure instanceof RateLimited) void reply.header('retry-after', String(failure.retryAfterS));
    else if (failure.policy.http === 503) void reply.header('retry-after', '1');
    const scope = scopes.get(request) ?? { requestId: request.id, log, operations: [] };
    return reply
      .code(failure.policy.http)
      .type('application/json; charset=utf-8')
      .send({ errors: [serving.run(scope, () => present({}, failure))] });
  };
  app.setErrorHandler((error, request, reply) => refuse(request, reply, error));
  app.setNotFoundHandler((request, reply) =>
    refuse(
      request,
      reply,
      new Failure('NOT_FOUND', 'no such address', { hint: 'the API is at POST /graphql' }),
    ),
  );

  const apollo = new ApolloServer<ApiContext>({
    schema,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    introspection: true, // to holders of a credential, see costLimit
    hideSchemaDetailsFromClientErrors: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: LIMITS.tokens },
    validationRules: [shapeLimits],
    validationOptions: { maxErrors: 5 },
    executionOptions: { maxCoercionErrors: 5 },
    formatError: present,
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: (text) => log.warn(String(text)),
      error: (text) => log.error(String(text)),
    },
    plugins: [ApolloServerPluginLandingPageDisabled(), costLimit(), statuses],
  });
  await apollo.start();

  /** Who asks; spends one token of theirs. */
  const identify = async (request: FastifyRequest, reply: FastifyReply): Promise<ApiContext> => {
    const { name, secure } = sessionCookie(options.publicUrl());
    const { authorization } = request.headers;
    const session = cookieValue(request.headers.cookie, name);
    if (authorization === undefined && session !== undefined) checkOrigin(request, options.publicUrl());
    if (authorization === undefined && session === undefined) strangers.take(request.ip);
    const credential = await authenticator
      .authenticate({
        ...(authorization === undefined ? {} : { authorization }),
        ...(session === undefined ? {} : { session }),
      })
      .catch((error: unknown) => {
        if (toFailure(error).code === 'UNAUTHENTICATED') strangers.take(request.ip);
        throw error;
      });
    const scope = scopes.get(request);
    if (credential !== null && 'id' in credential.principal) {
      callers.take(credential.principal.id);
      if (scope)
        scope.log = scope.log.child({ tenantId: credential.tenantId, caller: credential.principal.id });
    }
    const idempotency = idempotencyOf(request.headers['idempotency-key'], request.body);
    return new ApiContext({
      requestId: request.id,
      log: scope?.log ?? log,
      address: request.ip,
      credential,
      ...(idempotency === undefined ? {} : { idempotency }),
      setCookie: (value, maxAgeS) =>
        void reply.header('set-cookie', setCookieHeader(name, value, maxAgeS, secure)),
    });
  };

  const contexts = new WeakMap<FastifyRequest, ApiContext>();
  const handle = fastifyApolloHandler(apollo, {
    context: async (request) => {
      const found = contexts.get(request);
      if (found === undefined) throw new Failure('INTERNAL', 'a request without context');
      return found;
    },
  });
  app.post('/graphql', async (request, reply) => {
    const scope = scopes.get(request) ?? { requestId: request.id, log, operations: [] };
    if (running >= MOST_RUNNING) {
      throw new Failure('OVERLOADED', 'too many requests are running; try again shortly');
    }
    running++;
    try {
      return await serving.run(scope, async () => {
        contexts.set(request, await identify(request, reply));
        return handle.call(app, request as never, reply as never);
      });
    } finally {
      running--;
    }
  });

  registerExplorer(app);
  registerInvitationPage(app);
  registerHealth(app, { checks: options.checks, draining: () => draining }, metrics);
  await options.routes?.(app);
  const closeSubscriptions = serveSubscriptions(app.server, {
    schema,
    authenticator,
    log,
    cookieName: () => sessionCookie(options.publicUrl()).name,
    publicUrl: options.publicUrl,
  });
  app.addHook('preClose', closeSubscriptions);
  // After the last request: fastify closes the server first, and waits for what is running.
  app.addHook('onClose', async () => apollo.stop());
  return { app, drain: () => (draining = true) };
};

/** Another site's page could make a browser send our cookie along: it may not act for the member. */
const checkOrigin = (request: FastifyRequest, publicUrl: string): void => {
  if (fromOtherSite(request.headers, publicUrl)) {
    throw new Failure('FORBIDDEN', 'a session may be used from this site only');
  }
};

/** What fastify says before a handler runs: too large, not JSON. */
const asHttpFailure = (error: unknown): Failure => {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new Failure('PAYLOAD_TOO_LARGE', `a request body has at most ${LIMITS.bodyBytes} bytes`);
  }
  if (
    typeof statusCode === 'number' &&
    statusCode >= 400 &&
    statusCode < 500 &&
    !(error instanceof Failure)
  ) {
    return new Failure('BAD_INPUT', 'the request body is not understood', {
      hint: 'send JSON with content-type application/json',
    });
  }
  const failure = toFailure(error);
  return FAILURES[failure.code] === undefined
    ? new Failure('INTERNAL', 'an unexpected error occurred')
    : failure;
};
