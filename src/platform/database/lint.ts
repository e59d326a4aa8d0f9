/**
 * Holes that correct policies leave open, found in the catalogue itself. Every rule was seen to let a tenant's row
 * through on a real server; the test plants each fault and sees it caught.
 */

/** Runs a query as a role that may read the catalogue. */
export type CatalogueQuery = (sql: string, values: readonly unknown[]) => Promise<readonly Row[]>;
type Row = Readonly<Record<string, unknown>>;

export interface Finding {
  readonly rule: LintRule;
  /** Name of the table, view, function or role. */
  readonly object: string;
}

/** Tables that belong to the installation; only `mm_platform` may reach them, or nobody. */
export const WITHOUT_TENANT = [
  'migrations',
  'operator',
  'login_attempt',
  'plan',
  'price',
  'usage_cursor',
  'usage_dead_letter',
  'usage_producer',
] as const;
const ROLES = ['mm_app', 'mm_platform'] as const;

/** $1: tables without a tenant; $2: the roles that the gateway connects as. Each query selects the `object`s at fault. */
const RULES = {
  'row-level security is not forced': `
    select c.relname as object from tables c
     where c.relname <> 'migrations' and not (c.relrowsecurity and c.relforcerowsecurity)`,
  // A table without a tenant is out of the application's reach.
  'a table has no tenant_id': `
    select c.relname as object from tables c
     where c.relname <> all ($1::text[]) and not exists (
       select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
        or c.relname = any ($1::text[]) and has_table_privilege('mm_app', c.oid, 'select, insert, update, delete')`,
  'tenant_id may be null': `
    select c.relname as object from tables c join pg_attribute a on a.attrelid = c.oid
     where a.attname = 'tenant_id' and not a.attnotnull and not a.attisdropped`,
  'a policy does not check what is written': `
    select c.relname as object from tables c join pg_policy p on p.polrelid = c.oid
     where p.polcmd in ('*', 'a', 'w') and p.polwithcheck is null
        or p.polroles && array(select oid from pg_roles where rolname = 'mm_app')
           and p.polcmd <> 'a' and coalesce(pg_get_expr(p.polqual, p.polrelid), '') not like '%tenant_id = ( SELECT app.tid()%'
        or p.polroles && array[0::oid]`,
  'a table has row-level security and no policy': `
    select c.relname as object from tables c
     where c.relrowsecurity and c.relname <> all ($1::text[]) and not exists (
       select from pg_policy p join pg_roles r on r.oid = any (p.polroles)
        where p.polrelid = c.oid and r.rolname = 'mm_app')`,
  'a unique key does not hold tenant_id': `
    select i.indexrelid::regclass::text as object from tables c join pg_index i on i.indrelid = c.oid
     where i.indisunique and c.relname <> all ($1::text[])
       and not exists (select from pg_attribute a
         where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum = any (i.indkey))`,
  'a foreign key does not hold tenant_id': `
    select k.conname as object from tables c join pg_constraint k on k.conrelid = c.oid
     where k.contype = 'f' and k.confrelid not in (select oid from tables where relname = any ($1::text[]))
       and not exists (
       select from generate_subscripts(k.conkey, 1) n
         join pg_attribute mine on mine.attrelid = k.conrelid and mine.attnum = k.conkey[n]
         join pg_attribute theirs on theirs.attrelid = k.confrelid and theirs.attnum = k.confkey[n]
        where mine.attname = 'tenant_id' and theirs.attname = 'tenant_id')`,
  'a partition can be read directly': `
    select c.relname as object from pg_class c join pg_namespace s on s.oid = c.relnamespace
     where s.nspname = 'app' and c.relispartition and exists (
       select from unnest($2::text[]) role
        where has_table_privilege(role, c.oid, 'select, insert, update, delete'))`,
  'a view does not run as its caller': `
    select c.relname as object from pg_class c join pg_namespace s on s.oid = c.relnamespace
     where s.nspname = 'app' and c.relkind = 'v'
       and not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)`,
  'a materialized view can be read': `
    select c.relname as object from pg_class c join pg_namespace s on s.oid = c.relnamespace
     where s.nspname = 'app' and c.relkind = 'm' and exists (
       select from unnest($2::text[]) role where has_table_privilege(role, c.oid, 'select'))`,
  'a function runs as its owner': `
    select f.proname as object from pg_proc f join pg_namespace s on s.oid = f.pronamespace
     where s.nspname not in ('pg_catalog', 'information_schema') and f.prosecdef and exists (
       select from unnest($2::text[]) role where has_function_privilege(role, f.oid, 'execute'))`,
  'TRUNCATE, REFERENCES or TRIGGER is granted': `
    select c.relname as object from pg_class c join pg_namespace s on s.oid = c.relnamespace
     where s.nspname = 'app' and c.relkind in ('r', 'p', 'v', 'm', 'f') and exists (
       select from unnest($2::text[]) role
        where has_table_privilege(role, c.oid, 'truncate, references, trigger'))`,
  'a role of the gateway is above the policies': `
    select r.rolname as object from pg_roles r
     where r.rolname = any ($2::text[]) and (
       r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
       or exists (select from pg_auth_members m where m.member = r.oid)
       or exists (select from pg_class c where c.relowner = r.oid)
       or exists (select from pg_namespace s where s.nspowner = r.oid)
       or has_schema_privilege(r.oid, 'app', 'create'))`,
} as const;

export type LintRule = keyof typeof RULES;
export const LINT_RULES = Object.keys(RULES) as LintRule[];

/** All ordinary tables of ours, partitions included. */
const TABLES = `with tables as (
  select c.* from pg_class c join pg_namespace s on s.oid = c.relnamespace
   where s.nspname = 'app' and c.relkind in ('r', 'p'))`;

/** Everything that a policy does not hold; empty on a sound database. */
export const lintCatalogue = async (query: CatalogueQuery): Promise<Finding[]> => {
  const findings: Finding[] = [];
  for (const rule of LINT_RULES) {
    // Both parameters are named in every statement: one that is not used would have no type.
    const sql = `${TABLES}, given as (select $1::text[], $2::text[]) ${RULES[rule]}`;
    const rows = await query(sql, [WITHOUT_TENANT, ROLES]);
    findings.push(...rows.map((row) => ({ rule, object: String(row['object']) })));
  }
  return findings;
};

/** What `mm_platform` may do across tenants: `table: privilege, privilege`, sorted. The test pins it. */
export const platformGrants = async (query: CatalogueQuery): Promise<string[]> => {
  const rows = await query(
    `select c.relname || ': ' || string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as line
       from pg_class c join pg_namespace s on s.oid = c.relnamespace, aclexplode(c.relacl) a
       join pg_roles r on r.oid = a.grantee
      where s.nspname = 'app' and c.relkind in ('r', 'p', 'v', 'm') and r.rolname = 'mm_platform'
      group by c.relname order by c.relname`,
    [],
  );
  return rows.map((row) => String(row['line']));
};
