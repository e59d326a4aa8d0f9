/** Relay connections: `first` (1 to 100), `after`, newest first. */
import { ArgsType, Field, Int, ObjectType } from 'type-graphql';
import type { ClassType } from 'type-graphql';
import { Failure, isUuid } from '../../contracts';
import type { Page, PageRequest } from '../platform/page';

export const MAX_PAGE = 100;

@ObjectType()
export class PageInfo {
  @Field()
  hasNextPage: boolean;
  @Field()
  hasPreviousPage: boolean;
  @Field(() => String, { nullable: true })
  startCursor: string | null;
  @Field(() => String, { nullable: true })
  endCursor: string | null;
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, { defaultValue: 20, description: `1 to ${MAX_PAGE}.` })
  first: number;
  @Field(() => String, { nullable: true, description: 'The endCursor of the page before.' })
  after?: string | null;
}

export interface Edge<T> {
  cursor: string;
  node: T;
}
export interface Connection<T> {
  edges: Edge<T>[];
  pageInfo: PageInfo;
}

/** Makes the GraphQL types `<name>Connection` and `<name>Edge`: `const XConnection = connectionOf('X', X)`. */
export const connectionOf = <T extends object>(
  name: string,
  node: ClassType<T>,
): ClassType<Connection<T>> => {
  @ObjectType(`${name}Edge`)
  class NamedEdge implements Edge<T> {
    @Field()
    cursor: string;
    @Field(() => node)
    node: T;
  }
  @ObjectType(`${name}Connection`)
  class NamedConnection implements Connection<T> {
    @Field(() => [NamedEdge])
    edges: NamedEdge[];
    @Field(() => PageInfo)
    pageInfo: PageInfo;
  }
  return NamedConnection;
};

const encode = (id: string): string => Buffer.from(id).toString('base64url');

/** Reads the arguments of a list; fails with BAD_INPUT. */
export const pageRequest = (args: PageArgs): PageRequest => {
  if (args.first < 1 || args.first > MAX_PAGE) {
    throw new Failure('BAD_INPUT', `first must be between 1 and ${MAX_PAGE}`, { path: ['first'] });
  }
  if (args.after == null) return { limit: args.first, after: null };
  const after = Buffer.from(args.after, 'base64url').toString();
  if (!isUuid(after)) {
    throw new Failure('BAD_INPUT', 'after is not a cursor of this list', {
      path: ['after'],
      hint: 'pass the endCursor of the page before',
    });
  }
  return { limit: args.first, after };
};

export const toConnection = <Row extends { readonly id: string }, T>(
  page: Page<Row>,
  request: PageRequest,
  map: (row: Row) => T,
): Connection<T> => {
  const edges = page.items.map((row) => ({ cursor: encode(row.id), node: map(row) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: page.hasMore,
      hasPreviousPage: request.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
};

/** An id argument: what cannot be an id of ours names nothing. */
export const idArgument = <Id extends string>(text: string, what: string): Id => {
  if (!isUuid(text)) throw notFound(what);
  return text as Id;
};

/** The same answer for what never was, and for what is another tenant's. */
export const notFound = (what: string): Failure => new Failure('NOT_FOUND', `no such ${what}`);
