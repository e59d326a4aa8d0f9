import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { TenantId } from '../../contracts';
import { Cost, OperatorOnly, Scope } from '../api/access';
import { idArgument } from '../api/connection';
import type { ApiContext } from '../api/context';
import type { Commands } from '../platform/command';
import type { Billing } from './billing.service';
import { InvoicePreviewType, TenantPlanType, toInvoicePreview } from './billing.types';

@Resolver()
export class BillingResolver {
  constructor(
    private readonly billing: Billing,
    private readonly commands: Commands,
  ) {}

  @Scope('billing')
  @Cost(50)
  @Query(() => InvoicePreviewType, {
    description: 'What the invoice of a month (in the tenant’s time zone), or of any period, says so far.',
  })
  async invoicePreview(
    @Ctx() api: ApiContext,
    @Arg('month', () => String, { nullable: true, description: '2026-11; instead of from and to' })
    month?: string | null,
    @Arg('from', () => Date, { nullable: true }) from?: Date | null,
    @Arg('to', () => Date, { nullable: true }) to?: Date | null,
  ): Promise<InvoicePreviewType> {
    const period = await this.billing.period(api.tenant, { month, from, to });
    return toInvoicePreview(await this.billing.preview(api.tenant, period));
  }

  @OperatorOnly()
  @Mutation(() => TenantPlanType, { description: 'From now on the tenant is billed by this plan.' })
  async setPlan(
    @Ctx() api: ApiContext,
    @Arg('tenantId', () => ID) tenantId: string,
    @Arg('plan') plan: string,
  ): Promise<TenantPlanType> {
    const ctx = api.operator(idArgument<TenantId>(tenantId, 'tenant'));
    const chosen = await this.billing.planNamed(plan);
    const { effectiveFrom } = await this.commands.run(
      ctx,
      { operation: 'setPlan', target: ctx.tenantId },
      (tx) => this.billing.setPlan(ctx, tx, chosen),
    );
    return { tenantId: ctx.tenantId, plan: chosen.name, effectiveFrom };
  }
}
