/**
 * Writes generated/api.ts from the printed schema and operations.graphql: the types of every operation's variables and
 * answer, and its document. `--check` writes nothing and fails when the file is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as operationTypes from '@graphql-codegen/typescript-operations';
import { Kind, parse, print } from 'graphql';
import { format, resolveConfig } from 'prettier';

const here = (path) => new URL(path, import.meta.url);
const output = here('./generated/api.ts');
const operations = parse(readFileSync(here('./operations.graphql'), 'utf8'), { noLocation: true });

/** `run('Job', { id })` knows its variables and its answer by these. */
const documents = {
  plugin: (_schema, _documents, _config) => {
    const named = operations.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
    const typeOf = (node) => node.name.value + node.operation[0].toUpperCase() + node.operation.slice(1);
    const entries = named.map(
      (node) => `${node.name.value}: { variables: ${typeOf(node)}Variables; data: ${typeOf(node)} };`,
    );
    const texts = named.map((node) => `${node.name.value}: ${JSON.stringify(print(node))},`);
    return [
      `export interface Operations {\n${entries.join('\n')}\n}`,
      `export const documents: Readonly<Record<keyof Operations, string>> = {\n${texts.join('\n')}\n};`,
    ].join('\n\n');
  },
};

const HEAD = `// Written by codegen.mjs: change operations.graphql instead.
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
`;

const text = await codegen({
  filename: output.pathname,
  schema: parse(readFileSync(here('../../schema.graphql'), 'utf8')),
  documents: [{ location: 'operations.graphql', document: operations }],
  config: {
    enumsAsTypes: true,
    skipTypename: true,
    immutableTypes: true,
    strictScalars: true,
    // Numbers that a double would round travel as text; what a partner sends may be either.
    scalars: {
      ID: { input: 'string', output: 'string' },
      DateTimeISO: 'string',
      Int64: { input: 'string | number', output: 'string' },
      Nano: { input: 'string', output: 'string' },
      JSON: 'Json',
    },
  },
  plugins: [{ operationTypes: {} }, { documents: {} }],
  pluginMap: { operationTypes, documents },
});

const written = await format(`${HEAD}${text}`, {
  ...(await resolveConfig(output)),
  parser: 'typescript',
});

if (process.argv.includes('--check')) {
  if (readFileSync(output, 'utf8') !== written) {
    console.error('generated/api.ts is not what the schema says: npm run codegen');
    process.exit(1);
  }
} else writeFileSync(output, written);
