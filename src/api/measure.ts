/** How deep, how broad and how expensive a document is, before anything of it runs. */
import { getNamedType, isCompositeType, isObjectType, isInterfaceType, Kind } from 'graphql';
import type {
  FieldNode,
  FragmentDefinitionNode,
  GraphQLField,
  GraphQLNamedType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql';

export interface Size {
  readonly depth: number;
  /** Fields after fragments are spread out. */
  readonly fields: number;
  readonly aliases: number;
  readonly directives: number;
  /** Objects that may be resolved: pages multiply what they hold. */
  readonly cost: number;
}

const NOTHING: Size = { depth: 0, fields: 0, aliases: 0, directives: 0, cost: 0 };

/** Values of `first` and `last`, from literals, variables and defaults; what is no number counts as the largest page. */
const pageSize = (
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  variables: Readonly<Record<string, unknown>>,
  largest: number,
): number => {
  const sizes = ['first', 'last'].flatMap((name) => {
    const argument = field.args.find((candidate) => candidate.name === name);
    if (argument === undefined) return [];
    const given = node.arguments?.find((candidate) => candidate.name.value === name)?.value;
    let value: unknown = argument.defaultValue;
    if (given?.kind === Kind.INT) value = Number(given.value);
    else if (given?.kind === Kind.VARIABLE) value = variables[given.name.value] ?? argument.defaultValue;
    else if (given !== undefined && given.kind !== Kind.NULL) value = largest;
    if (value === undefined || value === null) return [];
    return [typeof value === 'number' && value >= 0 ? value : largest];
  });
  return sizes.length === 0 ? 1 : Math.max(...sizes);
};

/**
 * Sizes of one operation. Every fragment is measured once and the result reused, so a fan-out of fragments costs linear
 * time; a cycle of fragments measures as infinite.
 */
export const measure = (
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  variables: Readonly<Record<string, unknown>>,
  largestPage: number,
): Size => {
  const measured = new Map<string, Size>();
  const open = new Set<string>();

  const add = (a: Size, b: Size): Size => ({
    depth: Math.max(a.depth, b.depth),
    fields: a.fields + b.fields,
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives,
    cost: a.cost + b.cost,
  });

  const ofFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    if (fragment === undefined) return NOTHING;
    if (open.has(name))
      return { depth: Infinity, fields: Infinity, aliases: 0, directives: 0, cost: Infinity };
    open.add(name);
    const size = ofSelections(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
    open.delete(name);
    measured.set(name, size);
    return size;
  };

  const ofSelections = (set: SelectionSetNode, parent: GraphQLNamedType | undefined): Size => {
    let total = NOTHING;
    for (const selection of set.selections) {
      const directives = selection.directives?.length ?? 0;
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        total = add(total, { ...NOTHING, directives });
        total = add(total, ofFragment(selection.name.value));
        continue;
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        total = add(total, { ...NOTHING, directives });
        total = add(
          total,
          ofSelections(selection.selectionSet, condition === undefined ? parent : schema.getType(condition)),
        );
        continue;
      }
      const field =
        isObjectType(parent) || isInterfaceType(parent)
          ? parent.getFields()[selection.name.value]
          : undefined;
      const type = field === undefined ? undefined : getNamedType(field.type);
      const inner =
        selection.selectionSet === undefined ? NOTHING : ofSelections(selection.selectionSet, type);
      const own =
        (field?.extensions as { cost?: number } | undefined)?.cost ?? (isCompositeType(type) ? 1 : 0);
      const pages = field === undefined ? 1 : pageSize(selection, field, variables, largestPage);
      total = add(total, {
        depth: inner.depth + 1,
        fields: inner.fields + 1,
        aliases: inner.aliases + (selection.alias === undefined ? 0 : 1),
        directives: inner.directives + directives,
        cost: own + pages * inner.cost,
      });
    }
    return total;
  };

  return ofSelections(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined);
};
