/**
 * Billing: plans of effective-dated rational prices, and invoices that are a pure function of (events, price versions,
 * period). Money is integer nano units of the plan's currency.
 */
export { Billing } from './billing.service';
export type { InvoicePreview } from './billing.service';
export { formatNano } from './money';
export type { Invoice, InvoiceDay, InvoiceLine } from './rating';
export { BillingResolver } from './billing.resolver';
