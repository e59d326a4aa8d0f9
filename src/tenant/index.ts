/**
 * Operator, tenants, members and credentials. A tenant is a customer of the installation; a member is a person in it,
 * with a role; an API key is a partner application's credential, with scopes; a session is a member's login.
 */
import { ApiKey, AuditEvent, Member, Tenant } from './tenant.entity';

export { ApiKeyResolver } from './api-key.resolver';
export { ApiKeyService } from './api-key.service';
export { bootstrapInstallation, needsBootstrap } from './bootstrap';
export type { FirstCredentials } from './bootstrap';
export { Credentials } from './credentials';
export { InvitationLinks } from './invitation-link';
export { LoginGuard } from './login-guard';
export { MemberResolver } from './member.resolver';
export { MemberService } from './member.service';
export { Passwords } from './password';
export { SessionService } from './session.service';
export { TenantResolver } from './tenant.resolver';
export { TenantService } from './tenant.service';
export { Tenant } from './tenant.entity';

export const tenantEntities = [ApiKey, AuditEvent, Member, Tenant];
