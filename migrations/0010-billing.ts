import type { MigrationInterface, QueryRunner } from 'typeorm';
import { appendOnly, platformTable, tenantTable } from './helpers';

/** The plan that a tenant has until the operator gives it another. */
export const STANDARD_PLAN = '00000000-0000-7000-8000-000000000001';

const HOUR_NS = 3_600_000_000_000n;
const GIGABYTE_MONTH = 1_000_000_000n * 30n * 86_400_000n;
/** Nano dollars for a quantity of base units. */
const STANDARD_PRICES: readonly (readonly [meter: string, amountNano: bigint, perQuantity: bigint])[] = [
  ['predictions', 20_000_000n, 1_000n], // 0.02 for a thousand requests
  ['prediction_rows', 50_000_000n, 1_000n], // 0.05 for a thousand rows
  ['prediction_compute_ns', 300_000_000n, HOUR_NS], // 0.30 an hour
  ['training_cpu_ns', 400_000_000n, HOUR_NS], // 0.40 an hour
  ['training_gpu_ns', 2_500_000_000n, HOUR_NS], // 2.50 an hour
  ['storage_byte_ms', 25_000_000n, GIGABYTE_MONTH], // 0.025 a gigabyte and 30 days
];

/** Plans, effective-dated rational prices, and which tenant has which plan from when on. */
export class Billing0000000000010 implements MigrationInterface {
  readonly name = 'Billing0000000000010';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [
      `create table app.plan (
         id uuid primary key,
         name text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
         currency text not null check (currency ~ '^[A-Z]{3}$'),
         created_at timestamptz not null default now()
       )`,
      ...appendOnly('plan'),
      ...platformTable('plan', ['select', 'insert']),
      `create table app.price (
         id uuid primary key,
         plan_id uuid not null references app.plan (id),
         meter text not null check (meter in ('predictions', 'prediction_rows', 'prediction_compute_ns',
           'training_cpu_ns', 'training_gpu_ns', 'storage_byte_ms')),
         amount_nano numeric(38,0) not null check (amount_nano >= 0),
         per_quantity numeric(38,0) not null check (per_quantity > 0),
         effective_from timestamptz not null check (effective_from = date_trunc('milliseconds', effective_from)),
         unique (plan_id, meter, effective_from)
       )`,
      ...appendOnly('price'),
      ...platformTable('price', ['select', 'insert']),
      `create table app.tenant_plan (
         tenant_id uuid not null,
         effective_from timestamptz not null check (effective_from = date_trunc('milliseconds', effective_from)),
         plan_id uuid not null references app.plan (id),
         created_at timestamptz not null default now(),
         primary key (tenant_id, effective_from)
       )`,
      ...appendOnly('tenant_plan'),
      ...tenantTable('tenant_plan', { app: ['select', 'insert'], platform: ['select', 'insert'] }),
    ])
      await runner.query(statement);
    // The owner is held by forced row-level security too: it adds the standard plan as itself, by a passing policy.
    for (const table of ['plan', 'price'])
      await runner.query(`create policy seed on app.${table} to mm_owner using (true) with check (true)`);
    await runner.query(`insert into app.plan (id, name, currency) values ($1, 'standard', 'USD')`, [
      STANDARD_PLAN,
    ]);
    for (const [index, [meter, amountNano, perQuantity]] of STANDARD_PRICES.entries())
      await runner.query(
        `insert into app.price (id, plan_id, meter, amount_nano, per_quantity, effective_from)
         values ($1, $2, $3, $4, $5, '2000-01-01T00:00:00Z')`,
        [
          `00000000-0000-7000-8001-${String(index + 1).padStart(12, '0')}`,
          STANDARD_PLAN,
          meter,
          String(amountNano),
          String(perQuantity),
        ],
      );
    for (const table of ['plan', 'price']) await runner.query(`drop policy seed on app.${table}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['tenant_plan', 'price', 'plan']) await runner.query(`drop table app.${table}`);
  }
}
