/** In order. A table and its row-level-security policy stand in the same file. */
import { RolesAndScope0000000000001 } from './0001-roles-and-scope';

export const migrations = [RolesAndScope0000000000001];
