import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api';
import { ROLES, SCOPES } from '../platform/context';
import type { Role, Scope } from '../platform/context';

const asEnum = <T extends string>(values: readonly T[]): Record<T, T> =>
  Object.fromEntries(values.map((value) => [value, value])) as Record<T, T>;

export const RoleEnum = asEnum(ROLES);
registerEnumType(RoleEnum, { name: 'Role', description: 'What a member may do.' });
export const ScopeEnum = asEnum(SCOPES);
registerEnumType(ScopeEnum, { name: 'Scope', description: 'What a credential may do.' });

@ObjectType('Tenant', { description: 'A customer of this installation.' })
export class TenantType {
  @Field(() => ID)
  id: string;
  @Field()
  name: string;
  @Field({ description: 'IANA name; billing periods follow it.' })
  timeZone: string;
  @Field()
  createdAt: Date;
}

@ObjectType('Member', { description: 'A person in a tenant.' })
export class MemberType {
  @Field(() => ID)
  id: string;
  @Field()
  email: string;
  @Field()
  name: string;
  @Field(() => RoleEnum)
  role: Role;
  @Field()
  createdAt: Date;
}

@ObjectType('Invitation', { description: 'A one-time way in. The token is shown once, here.' })
export class InvitationType {
  @Field(() => ID)
  id: string;
  @Field()
  email: string;
  @Field(() => RoleEnum)
  role: Role;
  @Field()
  expiresAt: Date;
  @Field({ description: 'For acceptInvitation.' })
  token: string;
  @Field({ description: 'A page that accepts the invitation; send it to the person.' })
  link: string;
}

@ObjectType('CreatedTenant')
export class CreatedTenantType {
  @Field(() => TenantType)
  tenant: TenantType;
  @Field(() => InvitationType, { description: 'Of the first owner.' })
  invitation: InvitationType;
}

@ObjectType('ApiKey', { description: 'Credential of a partner application.' })
export class ApiKeyType {
  @Field(() => ID)
  id: string;
  @Field({ description: 'The readable part of the key: mm_<publicId>_...' })
  publicId: string;
  @Field()
  name: string;
  @Field(() => [ScopeEnum])
  scopes: Scope[];
  @Field()
  createdAt: Date;
  @Field(() => Date, { nullable: true })
  expiresAt: Date | null;
  @Field(() => Date, { nullable: true })
  revokedAt: Date | null;
  @Field(() => Date, { nullable: true, description: 'To within some seconds.' })
  lastUsedAt: Date | null;
  @Field(() => ID, { nullable: true, description: 'The key that took over in a rotation.' })
  replacedBy: string | null;
}

@ObjectType('CreatedApiKey')
export class CreatedApiKeyType {
  @Field(() => ApiKeyType)
  apiKey: ApiKeyType;
  @Field({ description: 'The whole key. Shown once; only its hash is stored.' })
  secret: string;
}

@ObjectType({ description: 'Who asks.' })
export class Me {
  @Field({ description: 'apiKey, member or operator.' })
  kind: string;
  @Field(() => ID)
  id: string;
  @Field(() => [ScopeEnum])
  scopes: Scope[];
  @Field(() => TenantType, { nullable: true, description: 'Null for the operator.' })
  tenant: TenantType | null;
  @Field(() => MemberType, { nullable: true })
  member: MemberType | null;
}

@ObjectType()
export class LoginPayload {
  @Field(() => MemberType)
  member: MemberType;
  @Field(() => TenantType)
  tenant: TenantType;
}

@ObjectType('AuditEvent', { description: 'One change that somebody made. Never altered, never removed.' })
export class AuditEventType {
  @Field(() => ID)
  id: string;
  @Field()
  at: Date;
  @Field({ description: 'apiKey, member, operator or system.' })
  actorKind: string;
  @Field()
  actorId: string;
  @Field()
  operation: string;
  @Field(() => String, { nullable: true })
  target: string | null;
  @Field()
  requestId: string;
}

export const TenantConnection = connectionOf('Tenant', TenantType);
export const MemberConnection = connectionOf('Member', MemberType);
export const ApiKeyConnection = connectionOf('ApiKey', ApiKeyType);
export const AuditEventConnection = connectionOf('AuditEvent', AuditEventType);
