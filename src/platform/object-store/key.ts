import { Failure } from '../../../contracts';
import type { Branded, TenantId } from '../../../contracts';
import { newId } from '../ids';

/** `t/<tenant>/<kind>/<name>`: minted by the server, never made from a user's words. */
export type ObjectKey = Branded<string, 'ObjectKey'>;

export const OBJECT_KINDS = [
  'upload',
  'sealed',
  'feedback',
  'onnx',
  'golden',
  'evaluation',
  'card',
  'log',
  'packed',
  'trial',
  'checkpoint',
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const KEY = new RegExp(`^t/${UUID}/(?:${OBJECT_KINDS.join('|')})/[0-9a-z](?:[0-9a-z-]{0,79})$`);
const PREFIX = new RegExp(`^t/${UUID}/(?:(?:${OBJECT_KINDS.join('|')})/)?$`);

export const isObjectKey = (text: string): text is ObjectKey => KEY.test(text);

/** Refuses whatever this server cannot have minted: the drivers call it before they touch anything. */
export const objectKey = (text: string): ObjectKey => {
  if (!isObjectKey(text)) throw new Failure('BAD_INPUT', 'not an object key of this platform');
  return text;
};

/** `t/<tenant>/` or `t/<tenant>/<kind>/`. */
export const objectPrefix = (text: string): string => {
  if (!PREFIX.test(text)) throw new Failure('BAD_INPUT', 'not an object prefix of this platform');
  return text;
};

export const mintKey = (tenantId: TenantId, kind: ObjectKind, name: string = newId()): ObjectKey =>
  objectKey(`t/${tenantId}/${kind}/${name}`);

export const tenantOf = (key: ObjectKey): TenantId => key.slice(2, 38) as TenantId;
