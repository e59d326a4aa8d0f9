import { Failure, METERS } from '../../contracts';
import type { Meter } from '../../contracts';
import type { Clock } from '../platform/clock';
import type { TenantContext } from '../platform/context';
import type { Database, TenantTx } from '../platform/database';
import { dayOf, spansOf } from '../usage';
import type { Period, Usage } from '../usage';
import type { UnitPrice } from './money';
import { monthIn } from './period';
import { rate } from './rating';
import type { Invoice, PriceVersion, UsageFact } from './rating';

/** Everyone's plan until the operator sets another; seeded by the migration. */
const STANDARD_PLAN = '00000000-0000-7000-8000-000000000001';
/** Where no earlier plan is recorded, the standard plan has been there for ever. */
const FOR_EVER_MS = 0;

export interface InvoicePreview extends Invoice {
  readonly plan: string;
  /** Usage up to here is in it; `to` when the period has passed. */
  readonly asOfMs: number;
}

export interface Plan {
  readonly id: string;
  readonly name: string;
}

interface PlanSpan {
  readonly planId: string;
  readonly fromMs: number;
  readonly toMs: number | null;
}

export class Billing {
  constructor(
    private readonly db: Database,
    private readonly usage: Usage,
    private readonly clock: Clock,
  ) {}

  /**
   * What an invoice for `[from, to)` would say, as far as it has passed. Re-derived from the ledger's events every time:
   * the same events, price versions and period give the same answer and the same digest.
   */
  async preview(ctx: TenantContext, period: Period): Promise<InvoicePreview> {
    const { fromMs, toMs } = this.usage.passed(period);
    const plans = await this.db.within(ctx, (tx) => this.plansOf(tx));
    const { prices, currency, name } = await this.prices(plans, fromMs, toMs);
    const cuts = prices.flatMap((price) => [price.fromMs, ...(price.toMs === null ? [] : [price.toMs])]);
    const spans = toMs > fromMs ? spansOf(fromMs, toMs, cuts) : [];
    const folded = await this.usage.fold(ctx, spans);
    const facts = folded.map(({ span, ...rest }): UsageFact => {
      const at = spans[span]?.fromMs ?? fromMs;
      return { ...rest, day: dayOf(at), priceId: priceAt(prices, rest.meter, at) };
    });
    return { ...rate({ fromMs, toMs, currency, prices, facts }), plan: name, asOfMs: toMs };
  }

  /** A month in the tenant's time zone, or an explicit period; the current month when nothing is said. */
  async period(
    ctx: TenantContext,
    asked: { readonly month?: string | null; readonly from?: Date | null; readonly to?: Date | null },
  ): Promise<Period> {
    if (asked.from != null && asked.to != null && asked.month == null)
      return { from: asked.from, to: asked.to };
    if (asked.from != null || asked.to != null)
      throw new Failure('BAD_INPUT', 'name a month, or both `from` and `to`', { path: ['from'] });
    const zone = await this.db.within(ctx, (tx) => this.timeZone(tx));
    const thisMonth = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit' });
    return monthIn(zone, asked.month ?? thisMonth.format(this.clock.now()).slice(0, 7));
  }

  /** What each meter costs by the tenant's plan at this moment; a meter that is left out costs nothing. */
  async pricesNow(
    tx: TenantTx,
  ): Promise<{ currency: string; prices: Readonly<Partial<Record<Meter, UnitPrice>>> }> {
    const nowMs = this.clock.now().getTime();
    const { prices, currency } = await this.prices(await this.plansOf(tx), nowMs, nowMs + 1);
    return { currency, prices: Object.fromEntries(prices.map((price) => [price.meter, price])) };
  }

  /** Fails with BAD_INPUT, naming the plans there are. */
  async planNamed(name: string): Promise<Plan> {
    const plans = await this.db.asPlatform('plans', (tx) =>
      tx.query<Plan[]>('select id, name from app.plan order by name'),
    );
    const plan = plans.find((candidate) => candidate.name === name);
    if (!plan)
      throw new Failure('BAD_INPUT', `unknown plan; one of: ${plans.map((known) => known.name).join(', ')}`, {
        path: ['plan'],
      });
    return plan;
  }

  /** From the next millisecond on, the tenant is billed by this plan; past usage is untouched. */
  async setPlan(ctx: TenantContext, tx: TenantTx, plan: Plan): Promise<{ effectiveFrom: Date }> {
    await this.timeZone(tx); // the tenant is there
    const effectiveFrom = new Date(this.clock.now().getTime() + 1);
    await tx.query('insert into app.tenant_plan (tenant_id, effective_from, plan_id) values ($1, $2, $3)', [
      ctx.tenantId,
      effectiveFrom,
      plan.id,
    ]);
    return { effectiveFrom };
  }

  private async timeZone(tx: TenantTx): Promise<string> {
    const [tenant] = await tx.query<{ time_zone: string }[]>('select time_zone from app.tenant');
    if (tenant === undefined) throw new Failure('NOT_FOUND', 'no such tenant');
    return tenant.time_zone;
  }

  private async plansOf(tx: TenantTx): Promise<PlanSpan[]> {
    const rows = await tx.query<{ plan_id: string; effective_from: Date }[]>(
      'select plan_id, effective_from from app.tenant_plan order by effective_from',
    );
    const all = [
      { planId: STANDARD_PLAN, fromMs: FOR_EVER_MS },
      ...rows.map((row) => ({ planId: row.plan_id, fromMs: row.effective_from.getTime() })),
    ];
    return all.map((span, index) => ({ ...span, toMs: all[index + 1]?.fromMs ?? null }));
  }

  private async prices(
    plans: readonly PlanSpan[],
    fromMs: number,
    toMs: number,
  ): Promise<{ prices: PriceVersion[]; currency: string; name: string }> {
    interface Row {
      id: string;
      plan_id: string;
      plan: string;
      currency: string;
      meter: Meter;
      amount_nano: string;
      per_quantity: string;
      effective_from: Date;
    }
    const rows = await this.db.asPlatform('price list', (tx) =>
      tx.query<Row[]>(
        `select p.id, p.plan_id, n.name as plan, n.currency, p.meter, p.amount_nano::text, p.per_quantity::text,
           p.effective_from
         from app.price p join app.plan n on n.id = p.plan_id
         where p.plan_id = any ($1::uuid[]) order by p.meter, p.effective_from`,
        [[...new Set(plans.map((plan) => plan.planId))]],
      ),
    );
    const prices: PriceVersion[] = [];
    for (const plan of plans)
      for (const meter of METERS) {
        const versions = rows.filter((row) => row.plan_id === plan.planId && row.meter === meter);
        versions.forEach((row, index) => {
          const until = earliest(versions[index + 1]?.effective_from.getTime() ?? null, plan.toMs);
          const from = Math.max(row.effective_from.getTime(), plan.fromMs);
          if ((until !== null && until <= Math.max(from, fromMs)) || from >= toMs) return;
          prices.push({
            // A price can apply twice, when a tenant leaves a plan and comes back: two lines then.
            id: `${row.id}@${from}`,
            meter,
            amountNano: BigInt(row.amount_nano),
            perQuantity: BigInt(row.per_quantity),
            fromMs: from,
            toMs: until,
          });
        });
      }
    const current = [...plans].reverse().find((plan) => plan.fromMs < Math.max(toMs, fromMs + 1));
    const used = rows.filter((row) =>
      plans.some((p) => p.planId === row.plan_id && overlaps(p, fromMs, toMs)),
    );
    const currencies = [...new Set(used.map((row) => row.currency))];
    if (currencies.length > 1)
      throw new Failure('BAD_INPUT', `the period spans plans in ${currencies.join(' and ')}`, {
        hint: 'ask for the time before and after the change of plan separately',
      });
    const row = rows.find((candidate) => candidate.plan_id === current?.planId);
    return { prices, currency: currencies[0] ?? row?.currency ?? 'USD', name: row?.plan ?? 'standard' };
  }
}

const earliest = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);

const overlaps = (plan: PlanSpan, fromMs: number, toMs: number): boolean =>
  plan.fromMs < toMs && (plan.toMs === null || plan.toMs > fromMs);

const priceAt = (prices: readonly PriceVersion[], meter: Meter, atMs: number): string | null =>
  prices.find(
    (price) => price.meter === meter && price.fromMs <= atMs && (price.toMs === null || atMs < price.toMs),
  )?.id ?? null;
