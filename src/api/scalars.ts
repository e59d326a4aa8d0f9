import { GraphQLScalarType, Kind } from 'graphql';
import { GraphQLJSON } from 'graphql-scalars';

/** Any JSON value: rows, specs, metrics. */
export const Json = GraphQLJSON;

const bigintScalar = (name: string, description: string): GraphQLScalarType<bigint, string> =>
  new GraphQLScalarType({
    name,
    description,
    serialize: (value) => BigInt(value as string | number | bigint).toString(),
    parseValue: (value) => parse(name, value),
    parseLiteral: (node) =>
      parse(name, node.kind === Kind.STRING || node.kind === Kind.INT ? node.value : undefined),
  });

const parse = (name: string, value: unknown): bigint => {
  if (typeof value === 'string' && /^-?\d{1,38}$/.test(value)) return BigInt(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new TypeError(`${name} takes a whole number as text`);
};

/** Counts and quantities beyond 2^53, as text. */
export const Int64 = bigintScalar('Int64', 'A whole number of up to 38 digits, as text.');
/** Money in 10^-9 of the currency unit, as text. */
export const Nano = bigintScalar(
  'Nano',
  'Money in billionths of the currency unit: a whole number, as text.',
);
