/** One door to PostgreSQL: `within` for a tenant, `asPlatform` for the closed list of cross-tenant work. */
export { afterCommit, Database, isUnreachable } from './database';
export type { DatabaseOptions, PlatformTx, Scoped, TenantTx } from './database';
export { migrate } from './migrate';
export type { RolePasswords } from './migrate';
