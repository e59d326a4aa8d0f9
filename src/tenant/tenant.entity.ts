import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ApiKeyId, MemberId, TenantId } from '../../contracts';
import type { Role, Scope } from '../platform/context';

@Entity({ schema: 'app', name: 'tenant' })
export class Tenant {
  @PrimaryColumn({ type: 'uuid', name: 'tenant_id' })
  id: TenantId;
  @Column({ type: 'text' })
  name: string;
  /** IANA name; billing periods follow it. */
  @Column({ type: 'text', name: 'time_zone' })
  timeZone: string;
  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;
}

@Entity({ schema: 'app', name: 'member' })
export class Member {
  @PrimaryColumn({ type: 'uuid', name: 'tenant_id' })
  tenantId: TenantId;
  @PrimaryColumn({ type: 'uuid' })
  id: MemberId;
  @Column({ type: 'text' })
  email: string;
  @Column({ type: 'text' })
  name: string;
  @Column({ type: 'text' })
  role: Role;
  @Column({ type: 'text', name: 'password_hash', select: false })
  passwordHash: string;
  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;
  @Column({ type: 'timestamptz', name: 'removed_at', nullable: true })
  removedAt: Date | null;
}

@Entity({ schema: 'app', name: 'api_key' })
export class ApiKey {
  @PrimaryColumn({ type: 'uuid', name: 'tenant_id' })
  tenantId: TenantId;
  @PrimaryColumn({ type: 'uuid' })
  id: ApiKeyId;
  @Column({ type: 'text', name: 'public_id' })
  publicId: string;
  @Column({ type: 'text' })
  name: string;
  @Column({ type: 'bytea', name: 'secret_hash', select: false })
  secretHash: Buffer;
  @Column({ type: 'text', array: true })
  scopes: Scope[];
  @Column({ type: 'timestamptz', name: 'expires_at', nullable: true })
  expiresAt: Date | null;
  @Column({ type: 'timestamptz', name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
  @Column({ type: 'uuid', name: 'replaced_by', nullable: true })
  replacedBy: ApiKeyId | null;
  @Column({ type: 'timestamptz', name: 'last_used_at', nullable: true })
  lastUsedAt: Date | null;
  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;
}

@Entity({ schema: 'app', name: 'audit_event' })
export class AuditEvent {
  @PrimaryColumn({ type: 'uuid', name: 'tenant_id' })
  tenantId: TenantId;
  @PrimaryColumn({ type: 'uuid' })
  id: string;
  @Column({ type: 'timestamptz' })
  at: Date;
  @Column({ type: 'text', name: 'actor_kind' })
  actorKind: string;
  @Column({ type: 'text', name: 'actor_id' })
  actorId: string;
  @Column({ type: 'text' })
  operation: string;
  @Column({ type: 'text', nullable: true })
  target: string | null;
  @Column({ type: 'text', name: 'request_id' })
  requestId: string;
}
