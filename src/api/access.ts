/** Who may call an operation. Every field of Query, Mutation and Subscription wears one of these, or nothing starts. */
import type { GraphQLField, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { Extensions } from 'type-graphql';
import type { Scope as ScopeName } from '../platform/context';
import type { ApiContext } from './context';

export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'operator' }
  | { readonly kind: 'scope'; readonly scope: ScopeName };

type Decorator = MethodDecorator & PropertyDecorator & ClassDecorator;
const declare = (access: Access): Decorator => Extensions({ access });

/** A tenant's credential that carries `scope`. */
export const Scope = (scope: ScopeName): Decorator => declare({ kind: 'scope', scope });
/** Any credential. */
export const Authenticated = (): Decorator => declare({ kind: 'authenticated' });
/** The operator of the installation. */
export const OperatorOnly = (): Decorator => declare({ kind: 'operator' });
/** No credential: what a stranger may do. */
export const Public = (): Decorator => declare({ kind: 'public' });
/** What resolving this field costs beside its children, for the limit on expensive queries; 1 when left out. */
export const Cost = (cost: number): Decorator => Extensions({ cost });

/** Where a subscription's events come from: called with the resolver's own instance, which `subscribe` does not see. */
export interface EventSource {
  readonly resolver: () => abstract new (...args: never[]) => unknown;
  readonly open: (instance: unknown, args: unknown, context: unknown) => Promise<AsyncIterable<unknown>>;
}
export const EventsFrom = <R, A>(
  resolver: () => abstract new (...args: never[]) => R,
  open: (instance: R, args: A, context: ApiContext) => Promise<AsyncIterable<unknown>>,
): Decorator => Extensions({ events: { resolver, open } });
export const eventSourceOf = (field: GraphQLField<unknown, unknown>): EventSource | undefined =>
  (field.extensions as { events?: EventSource }).events;
/** `subscribe` of a subscription whose events come by `EventsFrom`. */
export const byEventSource = (): never => {
  throw new Error('the schema was not built by buildApiSchema');
};

export const accessOf = (field: GraphQLField<unknown, unknown>): Access | undefined =>
  (field.extensions as { access?: Access }).access;

export type RootField = GraphQLField<unknown, unknown>;

export const rootTypes = (schema: GraphQLSchema): GraphQLObjectType[] =>
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(
    (type) => type != null,
  );

/** Throws with the names of all operations that do not say who may call them. */
export const checkAccessDeclared = (schema: GraphQLSchema): void => {
  const missing = rootTypes(schema).flatMap((type) =>
    Object.values(type.getFields())
      .filter((field) => accessOf(field as RootField) === undefined)
      .map((field) => `${type.name}.${field.name}`),
  );
  if (missing.length > 0) {
    throw new Error(
      `these operations declare no access (@Scope, @Authenticated, @OperatorOnly or @Public): ${missing.join(', ')}`,
    );
  }
};
