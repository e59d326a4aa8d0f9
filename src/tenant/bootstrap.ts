import type { TenantId } from '../../contracts';
import { SCOPES } from '../platform/context';
import type { Database } from '../platform/database';
import { newId } from '../platform/ids';
import { insertApiKey } from './api-key.service';
import { insertTenant } from './tenant.service';
import { hashSecret, mintToken } from './token';

/** Seen this once: only hashes are stored. */
export interface FirstCredentials {
  readonly operatorToken: string;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly apiKey: string;
}

/** True while nobody runs the installation. */
export const needsBootstrap = async (db: Database): Promise<boolean> => {
  const [row] = await db.asPlatform('set the installation up', (tx) =>
    tx.query<{ set: boolean }[]>('select exists (select from app.operator) as set'),
  );
  return row?.set !== true;
};

/**
 * The operator, a first tenant and an API key of it with every scope. A call after one that was cut off finds the tenant
 * and hands out new secrets for it; it makes no second tenant.
 */
export const bootstrapInstallation = async (
  db: Database,
  input: { readonly tenantName: string },
): Promise<FirstCredentials> => {
  const operatorToken = mintToken('mmo');
  const tenant = await db.asPlatform('set the installation up', async (tx) => {
    await tx.query('insert into app.operator (id, name, token_hash) values ($1, $2, $3)', [
      newId(),
      'operator',
      hashSecret(operatorToken),
    ]);
    const [found] = await tx.query<{ id: TenantId; name: string }[]>(
      'select tenant_id as id, name from app.tenant order by tenant_id limit 1',
    );
    return found ?? insertTenant(tx, input.tenantName, 'UTC');
  });
  const { secret } = await db.within({ tenantId: tenant.id }, (tx) =>
    insertApiKey(tx, { tenantId: tenant.id }, { name: 'first key', scopes: SCOPES, expiresAt: null }),
  );
  return { operatorToken, tenantId: tenant.id, tenantName: tenant.name, apiKey: secret };
};
