/**
 * Files by key. An object key is `t/<tenant>/<kind>/<name>` and always minted here; a signed URL lets somebody without
 * credentials read or write one object for a while; the catalogue ties objects to transactions.
 */
export { mintKey, objectKey, isObjectKey, tenantOf, OBJECT_KINDS } from './key';
export type { ObjectKey, ObjectKind } from './key';
export type { ObjectStore, PutLimit, StoredObject } from './object-store';
export { openObjectStore } from './open';
export type { S3Credentials } from './open';
export { SignedUrls } from './signed-urls';
export type { ObjectGrant } from './signed-urls';
export { ObjectCatalogue } from './catalogue';
export { registerObjectRoutes } from './routes';
export type { ObjectRouteParts, StoredHook } from './routes';
