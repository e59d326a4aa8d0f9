/** Prints the sorted schema to schema.graphql; with --check, fails when the file says something else. */
import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { RESOLVER_CLASSES } from './resolvers';
import { buildApiSchema } from './schema';

export const schemaText = (): string =>
  `${printSchema(lexicographicSortSchema(buildApiSchema(RESOLVER_CLASSES)))}\n`;

const file = join(process.cwd(), 'schema.graphql');

const main = (check: boolean): number => {
  const text = schemaText();
  if (!check) {
    writeFileSync(file, text);
    return 0;
  }
  if (readFileSync(file, 'utf8') === text) return 0;
  process.stderr.write('schema.graphql does not say what the code says; run: npm run schema\n');
  return 1;
};

if (require.main === module) process.exitCode = main(process.argv.includes('--check'));
