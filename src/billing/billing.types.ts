import { Field, ID, ObjectType } from 'type-graphql';
import { Int64, Nano } from '../api/scalars';
import type { InvoicePreview } from './billing.service';
import { formatNano } from './money';

@ObjectType('UnitPrice', { description: 'amountNano for every perQuantity base units of the meter.' })
export class UnitPriceType {
  @Field(() => Nano) amountNano: bigint;
  @Field(() => Int64) perQuantity: bigint;
  @Field() from: Date;
  @Field(() => Date, { nullable: true }) to: Date | null;
}

@ObjectType('InvoiceDay', { description: 'Days add up to their line exactly.' })
export class InvoiceDayType {
  @Field() day: string;
  @Field(() => Int64) quantity: bigint;
  @Field(() => Nano) amountNano: bigint;
}

@ObjectType('InvoiceLine')
export class InvoiceLineType {
  @Field(() => ID, { nullable: true }) scenarioId: string | null;
  @Field() meter: string;
  @Field({ description: 'billable, or why the line is not charged.' }) reason: string;
  @Field() charged: boolean;
  @Field(() => Int64) quantity: bigint;
  @Field(() => Int64) events: bigint;
  @Field(() => UnitPriceType, { nullable: true }) price: UnitPriceType | null;
  @Field(() => Nano, { description: 'Rounded once, half to even.' }) amountNano: bigint;
  @Field(() => [InvoiceDayType]) days: InvoiceDayType[];
}

@ObjectType('InvoicePreview', { description: 'Re-derived from usage events every time it is asked for.' })
export class InvoicePreviewType {
  @Field() plan: string;
  @Field() currency: string;
  @Field() from: Date;
  @Field({ description: 'Usage up to here is in it.' }) to: Date;
  @Field(() => [InvoiceLineType]) lines: InvoiceLineType[];
  @Field(() => Nano) totalNano: bigint;
  @Field({ description: 'The total in units of the currency, for people.' }) total: string;
  @Field({
    description: 'SHA-256 of the events, price versions and period: the same input, the same invoice.',
  })
  inputDigest: string;
}

@ObjectType('TenantPlan')
export class TenantPlanType {
  @Field(() => ID) tenantId: string;
  @Field() plan: string;
  @Field() effectiveFrom: Date;
}

export const toInvoicePreview = (invoice: InvoicePreview): InvoicePreviewType => ({
  plan: invoice.plan,
  currency: invoice.currency,
  from: new Date(invoice.fromMs),
  to: new Date(invoice.toMs),
  totalNano: invoice.totalNano,
  total: formatNano(invoice.totalNano),
  inputDigest: invoice.inputDigest,
  lines: invoice.lines.map((line) => ({
    ...line,
    price:
      line.price === null
        ? null
        : {
            amountNano: line.price.amountNano,
            perQuantity: line.price.perQuantity,
            from: new Date(line.price.fromMs),
            to: line.price.toMs === null ? null : new Date(line.price.toMs),
          },
    days: line.days.map((day) => ({ ...day })),
  })),
});
