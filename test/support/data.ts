import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** A file of real data beside the repository (`../shared/data`), or undefined where it is not there. */
export const dataFile = (name: string): string | undefined => {
  const path = resolve(__dirname, '../../../shared/data', name);
  return existsSync(path) ? path : undefined;
};
