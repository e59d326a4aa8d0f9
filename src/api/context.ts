/** What a resolver gets to see of a request. */
import { Failure } from '../../contracts';
import type { TenantId } from '../../contracts';
import type { Credential, TenantContext } from '../platform/context';
import type { Logger } from '../platform/log';
import type { Access } from './access';

/** The operator's own commands stand under this one: no tenant has it. */
export const NO_TENANT = '00000000-0000-0000-0000-000000000000' as TenantId;

export interface RequestFacts {
  readonly requestId: string;
  readonly log: Logger;
  /** Of the peer; for limits on attempts. */
  readonly address: string;
  readonly credential: Credential | null;
  readonly idempotency?: TenantContext['idempotency'];
  /** Sets the session cookie; absent on WebSockets. */
  readonly setCookie?: (value: string, maxAgeS: number) => void;
}

export class ApiContext {
  constructor(readonly facts: RequestFacts) {}

  get requestId(): string {
    return this.facts.requestId;
  }

  /** First argument of every service method. Fails without a tenant's credential. */
  get tenant(): TenantContext {
    const { credential } = this.facts;
    if (credential === null) throw unauthenticated();
    if (credential.tenantId === null) {
      throw new Failure('FORBIDDEN', 'the operator has no tenant; use a credential of the tenant', {});
    }
    return this.scoped(credential.tenantId, credential);
  }

  /** For an operation of the operator, on one tenant where it has one. */
  operator(tenantId: TenantId = NO_TENANT): TenantContext {
    const { credential } = this.facts;
    if (credential?.principal.kind !== 'operator')
      throw new Failure('FORBIDDEN', 'only the operator may do this');
    return this.scoped(tenantId, credential);
  }

  get credential(): Credential {
    if (this.facts.credential === null) throw unauthenticated();
    return this.facts.credential;
  }

  private scoped(tenantId: TenantId, { principal }: Credential): TenantContext {
    const { requestId, log, idempotency } = this.facts;
    return { tenantId, principal, requestId, log, ...(idempotency === undefined ? {} : { idempotency }) };
  }

  /** Refuses a caller whom `access` does not admit. */
  authorize(access: Access): void {
    if (access.kind === 'public') return;
    const { principal } = this.credential;
    switch (access.kind) {
      case 'authenticated':
        return;
      case 'operator':
        if (principal.kind !== 'operator') throw new Failure('FORBIDDEN', 'only the operator may do this');
        return;
      case 'scope':
        if (principal.kind === 'operator') {
          throw new Failure('FORBIDDEN', 'the operator has no tenant; use a credential of the tenant');
        }
        if (!principal.scopes.includes(access.scope)) {
          throw new Failure('FORBIDDEN', `this credential lacks the scope «${access.scope}»`, {
            hint: `it has: ${principal.scopes.join(', ') || 'none'}`,
          });
        }
    }
  }
}

const unauthenticated = (): Failure =>
  new Failure('UNAUTHENTICATED', 'this needs a credential', {
    hint: 'send «Authorization: Bearer mm_...», or log in',
  });
