import { basename, join, resolve } from 'node:path';

/** This folder runs from its source under jest, and compiled, below dist/ itself, for the benchmarks. */
const above = resolve(__dirname, '../..');
const isCompiled = basename(above) === 'dist';

/** The repository. */
export const ROOT = isCompiled ? resolve(above, '..') : above;
/** Where the compiled entry points lie. */
export const DIST = join(ROOT, 'dist');
