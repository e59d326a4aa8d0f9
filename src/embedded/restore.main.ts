/** `npm run restore -- --from DIR --data-dir NEW`: a backup becomes a data folder that `npm start` can serve. */
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { restore } from './backup/restore';

const HELP = `Usage: npm run restore -- --from DIR --data-dir DIR

  --from DIR       a backup that npm run backup made
  --data-dir DIR   the new data folder; must not exist, or be empty`;

const main = async (): Promise<number> => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { from: text, 'data-dir': text } });
  if (values.from === undefined || values['data-dir'] === undefined) {
    console.error(HELP);
    return 2;
  }
  const dataDir = resolve(values['data-dir']);
  const done = await restore({ from: resolve(values.from), dataDir, env: process.env });
  console.log(
    `${done.tables} tables, ${done.rows} rows, ${done.objects} objects; start with: npm start -- --data-dir ${dataDir}`,
  );
  return 0;
};

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
