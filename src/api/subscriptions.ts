/** Subscriptions by graphql-ws on the same address. The credential is checked at the start and again every second. */
import type { Server } from 'node:http';
import { OperationTypeNode, getOperationAST, parse, specifiedRules, validate, GraphQLError } from 'graphql';
import type { ExecutionArgs, GraphQLSchema } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { Failure } from '../../contracts';
import type { Credential } from '../platform/context';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/log';
import type { Authenticator, Presented } from './authenticator';
import { ApiContext } from './context';
import { cookieValue, fromOtherSite } from './cookie';
import { present, serving, toFailure } from './errors';
import { checkCost, LIMITS, shapeLimits } from './limits';

export interface SubscriptionOptions {
  readonly schema: GraphQLSchema;
  readonly authenticator: Authenticator;
  readonly log: Logger;
  readonly cookieName: () => string;
  readonly publicUrl: () => string;
}

const RECHECK_MS = 1000;
/** How long a connection lives on while nobody can say whether its credential still counts. */
const UNKNOWN_MS = 60_000;
const MOST_CONNECTIONS = 2000;
const MOST_PER_CONNECTION = 20;

interface Connected {
  credential: Credential | null;
  readonly requestId: string;
}

const presentedBy = (
  params: Readonly<Record<string, unknown>> | undefined,
  headers: { cookie?: string; authorization?: string },
  cookieName: string,
): Presented => {
  const authorization = params?.['authorization'] ?? params?.['Authorization'] ?? headers.authorization;
  const session = cookieValue(headers.cookie, cookieName);
  return {
    ...(typeof authorization === 'string' ? { authorization } : {}),
    ...(session === undefined ? {} : { session }),
  };
};

/** Attaches to `server`; the returned function ends every connection. */
export const serveSubscriptions = (server: Server, options: SubscriptionOptions): (() => Promise<void>) => {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
  server.on('upgrade', (request, socket, head) => {
    const path = (request.url ?? '').split('?')[0];
    const foreign =
      request.headers.cookie !== undefined && fromOtherSite(request.headers, options.publicUrl());
    if (path !== '/graphql' || foreign || sockets.clients.size >= MOST_CONNECTIONS) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
  });

  const connected = new WeakMap<object, Connected>();
  const format = (requestId: string, error: unknown) =>
    serving.run({ requestId, log: options.log.child({ requestId }), operations: [] }, () =>
      present(error instanceof GraphQLError ? error.toJSON() : {}, error),
    );

  const graphql = useServer<Record<string, unknown>>(
    {
      connectionInitWaitTimeout: 5000,
      onConnect: async (context) => {
        const { socket, request } = context.extra;
        const presented = presentedBy(context.connectionParams, request.headers, options.cookieName());
        const credential = await options.authenticator.authenticate(presented).catch(() => null);
        if (credential === null) return false;
        connected.set(socket, { credential, requestId: newId() });
        let knownAt = performance.now();
        const timer = setInterval(() => {
          options.authenticator.authenticate(presented).then(
            () => (knownAt = performance.now()),
            (error: unknown) => {
              const revoked = toFailure(error).code === 'UNAUTHENTICATED';
              if (revoked || performance.now() - knownAt > UNKNOWN_MS) {
                socket.close(CloseCode.Forbidden, 'the credential counts no more');
              }
            },
          );
        }, RECHECK_MS);
        timer.unref();
        socket.once('close', () => clearInterval(timer));
        return true;
      },
      onSubscribe: (context, id, payload): ExecutionArgs | readonly GraphQLError[] => {
        const { credential, requestId } = connected.get(context.extra.socket) ?? {
          credential: null,
          requestId: id,
        };
        const refuse = (failure: Failure): readonly GraphQLError[] => [
          new GraphQLError(failure.message, { originalError: failure }),
        ];
        if (Object.keys(context.subscriptions).length >= MOST_PER_CONNECTION) {
          return refuse(
            new Failure('RATE_LIMITED', `at most ${MOST_PER_CONNECTION} subscriptions a connection`),
          );
        }
        let document;
        try {
          document = parse(payload.query, { maxTokens: LIMITS.tokens });
        } catch (error) {
          return [error as GraphQLError];
        }
        const errors = validate(options.schema, document, [...specifiedRules, shapeLimits], { maxErrors: 5 });
        if (errors.length > 0) return errors;
        const operation = getOperationAST(document, payload.operationName);
        if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) {
          return refuse(
            new Failure('BAD_INPUT', 'this connection serves subscriptions only', {
              hint: 'send queries and mutations to POST /graphql',
            }),
          );
        }
        const variables = payload.variables ?? {};
        try {
          checkCost(options.schema, document, operation, variables);
        } catch (error) {
          return [error as GraphQLError];
        }
        const log = options.log.child({ requestId, tenantId: credential?.tenantId });
        return {
          schema: options.schema,
          document,
          operationName: payload.operationName ?? null,
          variableValues: variables,
          contextValue: new ApiContext({
            requestId,
            log,
            address: context.extra.request.socket.remoteAddress ?? '',
            credential,
          }),
        };
      },
      onError: (context, id, _payload, errors) =>
        errors.map((error) => format(connected.get(context.extra.socket)?.requestId ?? id, error)),
      onNext: (context, id, _payload, _args, result) =>
        result.errors === undefined
          ? undefined
          : {
              ...result,
              errors: result.errors.map((error) =>
                format(connected.get(context.extra.socket)?.requestId ?? id, error),
              ),
            },
    },
    sockets,
    12_000,
  );
  return async () => {
    await graphql.dispose();
  };
};
