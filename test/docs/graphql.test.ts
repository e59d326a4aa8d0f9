/** Every GraphQL example of the docs is one that the API takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildSchema, Kind, parse, validate } from 'graphql';

const ROOT = resolve(__dirname, '../..');
const DOCS = join(ROOT, 'docs');
const schema = buildSchema(readFileSync(join(ROOT, 'schema.graphql'), 'utf8'));
const examples = readdirSync(DOCS)
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) =>
    [...readFileSync(join(DOCS, name), 'utf8').matchAll(/^```graphql\n([\s\S]*?)^```$/gm)].map(
      ({ 1: text = '' }) => ({ name, text }),
    ),
  );

it('is valid', () => {
  expect(examples.length).toBeGreaterThan(2);
  const wrong = examples.flatMap(({ name, text }) =>
    // One by one: a block may show several requests without a name.
    parse(text).definitions.flatMap((definition) =>
      validate(schema, { kind: Kind.DOCUMENT, definitions: [definition] }).map(
        ({ message }) => `${name}: ${message}`,
      ),
    ),
  );
  expect(wrong).toEqual([]);
});
