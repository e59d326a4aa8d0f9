import type { Readable } from 'node:stream';
import type { Sha256 } from '../../../contracts';
import type { ObjectKey } from './key';

export interface PutLimit {
  readonly maxBytes: number;
  /** Refuse with UPLOAD_INCOMPLETE when fewer bytes arrive. */
  readonly exactBytes?: number;
  /** Refuse with CHECKSUM_MISMATCH when the bytes hash to something else. */
  readonly sha256?: Sha256;
}
export interface StoredObject {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

/**
 * Files under keys that this server minted. A `put` is all or nothing: whatever goes wrong on the way leaves the key
 * absent. A key is written once; a second `put` fails with CONFLICT.
 */
export interface ObjectStore {
  put(key: ObjectKey, body: Readable, limit: PutLimit): Promise<StoredObject>;
  /** Fails with NOT_FOUND. */
  get(key: ObjectKey): Promise<Readable>;
  head(key: ObjectKey): Promise<{ readonly sizeBytes: number } | null>;
  /** Deleting what is not there is done already. */
  delete(key: ObjectKey): Promise<void>;
  /** `t/<tenant>/` or `t/<tenant>/<kind>/`. Returns how many objects went. */
  deletePrefix(prefix: string): Promise<number>;
  list(prefix: string): AsyncIterable<ObjectKey>;
  close(): Promise<void>;
}
