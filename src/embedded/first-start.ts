import type { FirstCredentials } from '../tenant';
import type { EmbeddedPlatform } from './platform';

/**
 * Operator, first tenant and its API key, once. Loaded only when needed: a later start has no use for it. The secrets
 * are stored as hashes; the answer is the one time they are seen.
 */
export const bootstrap = async (platform: EmbeddedPlatform): Promise<FirstCredentials> => {
  const [{ Database }, tenant] = await Promise.all([
    import('../platform/database/index.js'),
    import('../tenant/index.js'),
  ]);
  const db = await Database.connect({
    appUrl: platform.urls.app,
    platformUrl: platform.urls.platform,
    entities: tenant.tenantEntities,
    poolSize: 2,
  });
  try {
    return await tenant.bootstrapInstallation(db, { tenantName: 'first tenant' });
  } finally {
    await db.close();
  }
};
