/** Every migration, in order. A table and its row-level-security policy stand in the same file. */
import { RolesAndScope0000000000001 } from './0001-roles-and-scope';
import { Tenant0000000000002 } from './0002-tenant';

export const migrations = [RolesAndScope0000000000001, Tenant0000000000002];
