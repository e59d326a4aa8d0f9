import type { ApiKeyId, MemberId, TenantId } from '../../contracts';
import type { Logger } from './log';

export const SCOPES = ['read', 'data', 'train', 'deploy', 'predict', 'feedback', 'billing', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export const ROLES = ['owner', 'admin', 'developer', 'analyst', 'billing'] as const;
export type Role = (typeof ROLES)[number];

/** What each role may do; API keys carry their scopes themselves. */
export const ROLE_SCOPES: Record<Role, readonly Scope[]> = {
  owner: SCOPES,
  admin: SCOPES,
  developer: ['read', 'data', 'train', 'deploy', 'predict', 'feedback'],
  analyst: ['read', 'predict', 'feedback'],
  billing: ['read', 'billing'],
};

export type Principal =
  | { readonly kind: 'apiKey'; readonly id: ApiKeyId; readonly scopes: readonly Scope[] }
  | { readonly kind: 'member'; readonly id: MemberId; readonly role: Role; readonly scopes: readonly Scope[] }
  /** Runs the installation; acts inside a tenant only where an operation says so. */
  | { readonly kind: 'operator'; readonly id: string; readonly scopes: readonly Scope[] }
  /** The platform itself (sweeper, task results); `reason` goes to the audit record. */
  | { readonly kind: 'system'; readonly reason: string; readonly scopes: readonly Scope[] };

/** Who a request comes from; an operator belongs to no tenant. */
export interface Credential {
  readonly tenantId: TenantId | null;
  readonly principal: Principal;
  /** Of a logged-in member; the way to log out. */
  readonly sessionId?: string;
}

/** The first argument of every service method: who asks, for which tenant, in which request. */
export interface TenantContext {
  readonly tenantId: TenantId;
  readonly principal: Principal;
  readonly requestId: string;
  readonly log: Logger;
  /** From the `Idempotency-Key` header: the key and the hash of operation, document and variables. */
  readonly idempotency?: { readonly key: string; readonly requestHash: string };
}
