import type { Credential } from '../platform/context';

export interface Presented {
  /** The `Authorization` header. */
  readonly authorization?: string;
  /** The session cookie's value. */
  readonly session?: string;
}

/** What the API needs to know about credentials; the tenant feature knows how. */
export interface Authenticator {
  /** Null when nothing was presented; UNAUTHENTICATED when it is wrong, expired or revoked; UNAVAILABLE when unknowable. */
  authenticate(presented: Presented): Promise<Credential | null>;
}
