/** SQL that every table needs, in one place, so that no migration can forget half of it. */

export interface TenantTableOptions {
  /** What `mm_app` may do with its own tenant's rows. */
  readonly app?: string;
  /** What `mm_platform` may do with every tenant's rows, e.g. `select, update (state)`; nothing when left out. */
  readonly platform?: string;
  /** The column that names the tenant; only the table of tenants itself has another one. */
  readonly tenantColumn?: string;
}

/**
 * Policies and grants of a tenant table `app.<name>`; emit it right after `create table`. The scalar sub-select makes
 * the planner compute the scope once a query instead of once a row.
 */
export const tenantTable = (name: string, options: TenantTableOptions = {}): string => {
  const column = options.tenantColumn ?? 'tenant_id';
  const mine = `${column} = (select app.tid())`;
  const statements = [
    `alter table app.${name} enable row level security`,
    `alter table app.${name} force row level security`,
    `create policy tenant on app.${name} to mm_app using (${mine}) with check (${mine})`,
    `grant ${options.app ?? 'select, insert, update, delete'} on app.${name} to mm_app`,
  ];
  if (options.platform !== undefined) statements.push(...platformAccess(name, options.platform));
  return `${statements.join(';\n')};\n`;
};

/** A table that belongs to the installation and to no tenant: only `mm_platform` reaches it. */
export const platformTable = (name: string, grants: string): string =>
  [
    `alter table app.${name} enable row level security`,
    `alter table app.${name} force row level security`,
    ...platformAccess(name, grants),
    '',
  ].join(';\n');

const platformAccess = (name: string, grants: string): string[] => [
  `create policy platform on app.${name} to mm_platform using (true) with check (true)`,
  `grant ${grants} on app.${name} to mm_platform`,
];

/** States and the moves between them: `{ QUEUED: ['RUNNING', 'CANCELED'], ..., CANCELED: [] }`. */
export type Transitions = Readonly<Record<string, readonly string[]>>;

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Closes the set of states of `app.<table>.<column>`, and the moves between them, in the database too: a row starts in
 * one of `initial`, and any move that is not in `moves` is refused with SQLSTATE MM001.
 */
export const transitions = (
  table: string,
  moves: Transitions,
  options: { readonly initial: readonly string[]; readonly column?: string },
): string => {
  const column = options.column ?? 'state';
  const states = Object.keys(moves);
  const pairs = states.flatMap((from) => (moves[from] ?? []).map((to) => [from, to] as const));
  for (const state of [...options.initial, ...pairs.map(([, to]) => to)]) {
    if (!states.includes(state))
      throw new Error(`${table}.${column}: ${state} is not one of ${states.join(', ')}`);
  }
  const list = (values: readonly string[]): string => values.map(literal).join(', ');
  const allowed = pairs.map(([from, to]) => `(${literal(from)}, ${literal(to)})`).join(', ');
  const bad = pairs.length === 0 ? 'true' : `(old.${column}, new.${column}) not in (${allowed})`;
  return `
    alter table app.${table} add constraint ${table}_${column}_known check (${column} in (${list(states)}));
    create trigger ${table}_${column}_starts before insert on app.${table} for each row
      when (new.${column} not in (${list(options.initial)}))
      execute function app.refuse_transition(${literal(column)});
    create trigger ${table}_${column}_moves before update on app.${table} for each row
      when (old.${column} is distinct from new.${column} and ${bad})
      execute function app.refuse_transition(${literal(column)});
  `;
};

/** Rows of `app.<table>` never change and never go, whoever asks. Grant the roles `select, insert` only, too. */
export const appendOnly = (table: string): string => `
  create trigger ${table}_append_only before update or delete on app.${table} for each row
    execute function app.refuse_change();
  create trigger ${table}_append_only_truncate before truncate on app.${table} for each statement
    execute function app.refuse_change();
`;
