/** Limits on a document, each with its own answer. Shape is checked before variables are known, cost after. */
import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError, Kind, OperationTypeNode } from 'graphql';
import type {
  ASTVisitor,
  DocumentNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  ValidationContext,
} from 'graphql';
import type { FailureCode } from '../../contracts';
import { MAX_PAGE } from './connection';
import type { ApiContext } from './context';
import { measure } from './measure';

export const LIMITS = {
  /** Levels of selection; what the tools ask of the schema itself needs 15. */
  depth: 15,
  fields: 500,
  aliases: 50,
  directives: 20,
  /** Root fields of a query: predictions side by side. */
  rootFields: 20,
  cost: 5000,
  tokens: 4000,
  bodyBytes: 4 * 1024 * 1024,
} as const;

const refuse = (code: FailureCode, message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code } });

const fragmentsOf = (document: DocumentNode): Map<string, FragmentDefinitionNode> =>
  new Map(
    document.definitions
      .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
      .map((node) => [node.name.value, node]),
  );

/** Root fields after fragments are spread out. */
const rootFields = (
  operation: OperationDefinitionNode,
  fragments: Map<string, FragmentDefinitionNode>,
): number => {
  const open = new Set<string>();
  const count = (set: OperationDefinitionNode['selectionSet']): number =>
    set.selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FIELD) return sum + 1;
      if (selection.kind === Kind.INLINE_FRAGMENT) return sum + count(selection.selectionSet);
      const name = selection.name.value;
      const fragment = fragments.get(name);
      if (fragment === undefined || open.has(name)) return sum;
      open.add(name); // a second spread adds no field that the first did not ask for
      return sum + count(fragment.selectionSet);
    }, 0);
  return count(operation.selectionSet);
};

/** Validation rule: depth, breadth, and one root field a mutation. */
export const shapeLimits = (context: ValidationContext): ASTVisitor => ({
  Document(document) {
    const fragments = fragmentsOf(document);
    for (const node of document.definitions) {
      if (node.kind !== Kind.OPERATION_DEFINITION) continue;
      const size = measure(context.getSchema(), node, fragments, {}, MAX_PAGE);
      const roots = rootFields(node, fragments);
      const broad = (what: string, got: number, most: number): void =>
        context.reportError(
          refuse('QUERY_TOO_BROAD', `this document has ${got} ${what}; at most ${most} are allowed`),
        );
      if (size.depth > LIMITS.depth) {
        context.reportError(
          refuse(
            'QUERY_TOO_DEEP',
            `this document is ${size.depth} levels deep; at most ${LIMITS.depth} are allowed`,
          ),
        );
      } else if (size.fields > LIMITS.fields) broad('fields', size.fields, LIMITS.fields);
      else if (size.aliases > LIMITS.aliases) broad('aliases', size.aliases, LIMITS.aliases);
      else if (size.directives > LIMITS.directives) broad('directives', size.directives, LIMITS.directives);
      else if (node.operation === OperationTypeNode.QUERY && roots > LIMITS.rootFields)
        broad('root fields', roots, LIMITS.rootFields);
      else if (node.operation === OperationTypeNode.MUTATION && roots > 1) {
        context.reportError(
          refuse('QUERY_TOO_BROAD', 'a request holds one mutation field; send several requests'),
        );
      }
    }
    return false;
  },
});

/** What one request may cost, with its variables and the schema's defaults. */
export const costOf = (
  schema: Parameters<typeof measure>[0],
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number => {
  const defaults = Object.fromEntries(
    (operation.variableDefinitions ?? []).flatMap((definition) =>
      definition.defaultValue?.kind === Kind.INT
        ? [[definition.variable.name.value, Number(definition.defaultValue.value)]]
        : [],
    ),
  );
  return measure(schema, operation, fragmentsOf(document), { ...defaults, ...variables }, MAX_PAGE).cost;
};

export const checkCost = (
  schema: Parameters<typeof measure>[0],
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): void => {
  const cost = costOf(schema, document, operation, variables);
  if (cost > LIMITS.cost) {
    throw refuse(
      'QUERY_TOO_EXPENSIVE',
      `this query may resolve ${cost} objects; at most ${LIMITS.cost} are allowed: ask for smaller pages, or for less in each`,
    );
  }
};

/** Refuses expensive queries before any resolver runs, and the schema to strangers. */
export const costLimit = (): ApolloServerPlugin<ApiContext> => ({
  async requestDidStart() {
    return {
      async didResolveOperation({ schema, document, operation, request, contextValue }) {
        if (operation === undefined) return;
        const variables = request.variables ?? {};
        if (contextValue.facts.credential === null && asksForSchema(operation, fragmentsOf(document))) {
          throw refuse(
            'UNAUTHENTICATED',
            'the schema is shown to holders of a credential; it is also in schema.graphql',
          );
        }
        checkCost(schema, document, operation, variables);
      },
    };
  },
});

const asksForSchema = (
  operation: OperationDefinitionNode,
  fragments: Map<string, FragmentDefinitionNode>,
): boolean => {
  const seen = new Set<string>();
  const asks = (set: OperationDefinitionNode['selectionSet']): boolean =>
    set.selections.some((selection) => {
      if (selection.kind === Kind.FIELD)
        return selection.name.value === '__schema' || selection.name.value === '__type';
      if (selection.kind === Kind.INLINE_FRAGMENT) return asks(selection.selectionSet);
      const fragment = fragments.get(selection.name.value);
      if (fragment === undefined || seen.has(selection.name.value)) return false;
      seen.add(selection.name.value);
      return asks(fragment.selectionSet);
    });
  return asks(operation.selectionSet);
};
