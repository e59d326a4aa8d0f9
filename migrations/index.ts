/** Every migration, in order. A table and its row-level-security policy stand in the same file. */
import { RolesAndScope } from './0001-roles-and-scope';

export const migrations = [RolesAndScope];
