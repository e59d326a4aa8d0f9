/** The executable schema: resolver objects in, guarded root fields out. */
import { defaultFieldResolver } from 'graphql';
import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { accessOf, byEventSource, checkAccessDeclared, eventSourceOf, rootTypes } from './access';
import type { Access, RootField } from './access';
import type { ApiContext } from './context';
import { serving, toFailure } from './errors';

// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- what type-graphql calls a class
export type ResolverClass = Function;

export interface OperationObserver {
  /** `code` is OK or a failure code; called once for each root field that ended. */
  observe(operation: string, code: string, seconds: number): void;
}

/**
 * Builds the schema from resolver classes; `resolvers` are their instances, made by hand. Fails when an operation does
 * not declare who may call it. Every root field is guarded: no resolver runs for a caller it does not admit.
 */
export const buildApiSchema = (
  classes: readonly ResolverClass[],
  resolvers: readonly object[] = [],
  observer?: OperationObserver,
): GraphQLSchema => {
  const [first, ...rest] = classes;
  if (first === undefined) throw new Error('a schema needs resolvers');
  const instances = new Map(resolvers.map((resolver) => [resolver.constructor, resolver]));
  const schema = buildSchemaSync({
    resolvers: [first, ...rest],
    container: {
      get: (wanted: ResolverClass) => {
        const found = instances.get(wanted);
        if (found === undefined) throw new Error(`no instance of ${wanted.name} was given`);
        return found;
      },
    },
    validate: false,
    // Asked for as soon as there is a subscription; ours take their events from `EventsFrom`.
    pubSub: { publish: () => undefined, subscribe: byEventSource },
  });
  checkAccessDeclared(schema);
  for (const type of rootTypes(schema)) {
    for (const field of Object.values(type.getFields()) as RootField[]) {
      const access = accessOf(field);
      const source = eventSourceOf(field);
      if (source !== undefined)
        field.subscribe = (_root, args, context) =>
          source.open(instances.get(source.resolver()), args, context);
      if (access !== undefined) guard(field, type === schema.getSubscriptionType(), access, observer);
    }
  }
  return schema;
};

type Resolver = GraphQLFieldResolver<unknown, unknown>;

const guard = (
  field: RootField,
  subscription: boolean,
  access: Access,
  observer?: OperationObserver,
): void => {
  const inner: Resolver = (subscription ? field.subscribe : field.resolve) ?? defaultFieldResolver;
  const guarded: Resolver = async (source, args, context, info) => {
    const from = performance.now();
    let code = 'OK';
    serving.getStore()?.operations.push(field.name);
    try {
      (context as ApiContext).authorize(access);
      return await inner(source, args, context, info);
    } catch (error) {
      code = toFailure(error).code;
      throw error;
    } finally {
      observer?.observe(field.name, code, (performance.now() - from) / 1000);
    }
  };
  if (subscription) field.subscribe = guarded;
  else field.resolve = guarded;
};
