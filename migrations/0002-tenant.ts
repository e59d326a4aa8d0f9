import type { MigrationInterface, QueryRunner } from 'typeorm';
import { appendOnly, platformTable, tenantTable } from './helpers';

/** Tenants, people, credentials, the audit record and remembered answers. */
export class Tenant0000000000002 implements MigrationInterface {
  readonly name = 'Tenant0000000000002';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      `create table app.operator (
         id uuid primary key,
         name text not null,
         token_hash bytea not null unique,
         created_at timestamptz not null default now())`,
      ...platformTable('operator', ['select', 'insert']),

      `create table app.tenant (
         tenant_id uuid primary key,
         name text not null check (length(name) between 1 and 200),
         time_zone text not null default 'UTC',
         created_at timestamptz not null default now())`,
      ...tenantTable('tenant', { app: ['select', 'update'], platform: ['select', 'insert'] }),

      `create table app.member (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         email text not null check (email = lower(email) and length(email) between 3 and 254),
         name text not null check (length(name) between 1 and 200),
         role text not null check (role in ('owner', 'admin', 'developer', 'analyst', 'billing')),
         password_hash text not null,
         created_at timestamptz not null default now(),
         removed_at timestamptz,
         primary key (tenant_id, id),
         unique (tenant_id, email))`,
      `create index member_email on app.member (email)`,
      ...tenantTable('member', { app: ['select', 'insert', 'update'], platform: ['select'] }),

      `create table app.invitation (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         email text not null,
         role text not null check (role in ('owner', 'admin', 'developer', 'analyst', 'billing')),
         token_hash bytea not null,
         expires_at timestamptz not null,
         used_at timestamptz,
         created_at timestamptz not null default now(),
         primary key (tenant_id, id),
         unique (tenant_id, token_hash))`,
      `create index invitation_token on app.invitation (token_hash)`,
      ...tenantTable('invitation', { app: ['select', 'insert', 'update'], platform: ['select', 'insert'] }),

      `create table app.session (
         tenant_id uuid not null,
         id uuid not null,
         member_id uuid not null,
         token_hash bytea not null,
         created_at timestamptz not null default now(),
         seen_at timestamptz not null default now(),
         ended_at timestamptz,
         primary key (tenant_id, id),
         unique (tenant_id, token_hash),
         foreign key (tenant_id, member_id) references app.member (tenant_id, id))`,
      `create index session_token on app.session (token_hash)`,
      ...tenantTable('session', { app: ['select', 'insert', 'update'], platform: ['select', 'update'] }),

      `create table app.api_key (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         public_id text not null check (public_id ~ '^[0-9A-Za-z]{12}$'),
         name text not null check (length(name) between 1 and 200),
         secret_hash bytea not null,
         scopes text[] not null,
         expires_at timestamptz,
         revoked_at timestamptz,
         replaced_by uuid,
         last_used_at timestamptz,
         created_at timestamptz not null default now(),
         primary key (tenant_id, id),
         unique (tenant_id, public_id),
         foreign key (tenant_id, replaced_by) references app.api_key (tenant_id, id))`,
      `create index api_key_public_id on app.api_key (public_id)`,
      ...tenantTable('api_key', { app: ['select', 'insert', 'update'], platform: ['select', 'update'] }),

      // Counted before anything is verified, so it knows no tenant: only the platform role sees it.
      `create table app.login_attempt (
         id uuid primary key,
         account text not null,
         address text not null,
         succeeded boolean not null,
         at timestamptz not null default now())`,
      `create index login_attempt_account on app.login_attempt (account, at)`,
      `create index login_attempt_address on app.login_attempt (address, at)`,
      ...platformTable('login_attempt', ['select', 'insert', 'delete']),

      `create table app.audit_event (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         at timestamptz not null default now(),
         actor_kind text not null check (actor_kind in ('apiKey', 'member', 'operator', 'system', 'public')),
         actor_id text not null,
         operation text not null,
         target text,
         request_id text not null,
         primary key (tenant_id, id))`,
      ...tenantTable('audit_event', { app: ['select', 'insert'], platform: ['insert'] }),
      ...appendOnly('audit_event'),

      // No reference to a tenant: the operator's own commands, which make tenants, stand under the zero uuid.
      `create table app.idempotency_key (
         tenant_id uuid not null,
         credential text not null,
         key text not null check (length(key) between 1 and 200),
         request_hash text not null,
         answer bytea,
         created_at timestamptz not null default now(),
         primary key (tenant_id, credential, key))`,
      `create index idempotency_key_age on app.idempotency_key (created_at)`,
      ...tenantTable('idempotency_key', { platform: ['select', 'insert', 'update', 'delete'] }),
    ];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [
      'idempotency_key',
      'audit_event',
      'login_attempt',
      'api_key',
      'session',
      'invitation',
      'member',
      'tenant',
      'operator',
    ])
      await runner.query(`drop table app.${table}`);
  }
}
