/** `npm run backup -- --out DIR`: one snapshot of the database and a copy of every object, each with its sha-256. */
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { backUp } from './backup/backup';

const HELP = `Usage: npm run backup -- --out DIR [--data-dir DIR]

  --out DIR        where the backup goes; must not exist
  --data-dir DIR   the platform's data folder (default ./.modelmint); the platform may be running or stopped`;

const main = async (): Promise<number> => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { out: text, 'data-dir': { ...text, default: '.modelmint' } } });
  if (values.out === undefined) {
    console.error(HELP);
    return 2;
  }
  const made = await backUp({
    dataDir: resolve(values['data-dir']),
    out: resolve(values.out),
    env: process.env,
  });
  console.log(`${made.tables} tables, ${made.rows} rows, ${made.objects} objects in ${resolve(values.out)}`);
  return 0;
};

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
