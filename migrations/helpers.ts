/** The statements that every migration needs, so that no table is made without its policy. */

export type PlatformAccess = 'select' | 'insert' | 'update' | 'delete';

export interface TenantTableOptions {
  /** What the application role may do; default everything but TRUNCATE, REFERENCES and TRIGGER. */
  readonly app?: readonly ('select' | 'insert' | 'update' | 'delete')[];
  /** What the platform role may do across tenants; default nothing. Adds the table to the closed list. */
  readonly platform?: readonly PlatformAccess[];
}

const grantList = (grants: readonly string[]): string => grants.join(', ');

/**
 * Forced row-level security, the tenant policy for `mm_app` and, where asked for, the platform policy for `mm_platform`.
 * The table must have `tenant_id uuid not null`, first in every key.
 */
export const tenantTable = (table: string, options: TenantTableOptions = {}): string[] => {
  const app = options.app ?? ['select', 'insert', 'update', 'delete'];
  const statements = [
    `alter table app.${table} enable row level security`,
    `alter table app.${table} force row level security`,
    `create policy tenant on app.${table} to mm_app
       using (tenant_id = (select app.tid())) with check (tenant_id = (select app.tid()))`,
    `grant ${grantList(app)} on app.${table} to mm_app`,
  ];
  if (options.platform !== undefined) {
    statements.push(
      `create policy platform on app.${table} to mm_platform using (true) with check (true)`,
      `grant ${grantList(options.platform)} on app.${table} to mm_platform`,
    );
  }
  return statements;
};

/** A table of the platform itself, without a tenant: only `mm_platform` reaches it. */
export const platformTable = (table: string, grants: readonly PlatformAccess[]): string[] => [
  `alter table app.${table} enable row level security`,
  `alter table app.${table} force row level security`,
  `create policy platform on app.${table} to mm_platform using (true) with check (true)`,
  `grant ${grantList(grants)} on app.${table} to mm_platform`,
];

const array = (values: readonly string[]): string =>
  `array[${values.map((value) => `'${value}'`).join(', ')}]::text[]`;

/**
 * State transitions are a table, enforced by the database: `transitions` names, for each state, the states that may follow.
 * A state without followers is final. The column must be `state text`.
 */
export const transitions = (
  table: string,
  allowed: Readonly<Record<string, readonly string[]>>,
): string[] => {
  const states = Object.keys(allowed);
  const pairs = Object.entries(allowed).flatMap(([from, followers]) =>
    followers.map((to) => `${from}>${to}`),
  );
  return [
    `alter table app.${table} add constraint ${table}_state check (state = any (${array(states)}))`,
    `create trigger ${table}_transition before update of state on app.${table} for each row
       when (old.state is distinct from new.state)
       execute function app.check_transition(${pairs.map((pair) => `'${pair}'`).join(', ')})`,
  ];
};

/** Rows are written once: no update, no delete, for nobody. */
export const appendOnly = (table: string): string[] => [
  `create trigger ${table}_append_only before update or delete on app.${table}
     for each row execute function app.refuse_change()`,
  `create trigger ${table}_no_truncate before truncate on app.${table}
     for each statement execute function app.refuse_change()`,
];
