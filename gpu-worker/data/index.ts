/** Tenant files: validated, profiled, sealed, merged and read, by DuckDB locked into the task's scratch folder. */
export { runProfile } from './profile';
export { runMerge } from './merge';
export { runPack } from './pack';
export { readSealed } from './read-sealed';
export type { Column, Table } from './table';
