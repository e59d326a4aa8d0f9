/** What training needs of features that stand behind it; the composition root passes them in. */
import type { JobId, Meter, ModelVersionId, ScenarioId, UsageEvent } from '../../contracts';
import type { StorageMeter } from '../dataset';
import type { TenantContext } from '../platform/context';
import type { TenantTx } from '../platform/database';

/** One labelled row that came back: raw values by column, and what turned out to be true. */
export interface FeedbackRow {
  readonly values: Readonly<Record<string, string | number | null>>;
  readonly actual: string | number;
}

export interface FeedbackSource {
  /** Every usable feedback row of the scenario, oldest first. */
  export(tx: TenantTx, ctx: TenantContext, scenarioId: ScenarioId): AsyncIterable<FeedbackRow>;
}

export interface ChampionSource {
  /** The model version that answers for the scenario now; null when nothing is deployed. */
  current(tx: TenantTx, ctx: TenantContext, scenarioId: ScenarioId): Promise<ModelVersionId | null>;
}

export interface TrainingUsage {
  readonly kind: 'training';
  readonly key: string;
  readonly quantities: UsageEvent['quantities'];
  readonly reason: UsageEvent['reason'];
  readonly scenarioId: ScenarioId;
  readonly jobId: JobId;
  readonly modelVersionId: ModelVersionId | null;
}

/** Records usage in the caller's transaction; a key counts once for ever. */
export interface TrainingMeter extends StorageMeter {
  record(tx: TenantTx, event: TrainingUsage): Promise<void>;
}

/** `amountNano` nano units of the currency for every `perQuantity` base units of a meter. */
export interface UnitPrice {
  readonly amountNano: bigint;
  readonly perQuantity: bigint;
}

export interface TrainingPrices {
  /** By the tenant's plan at this moment; a meter without a price costs nothing. */
  pricesNow(
    tx: TenantTx,
  ): Promise<{ readonly currency: string; readonly prices: Readonly<Partial<Record<Meter, UnitPrice>>> }>;
}
