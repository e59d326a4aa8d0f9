import { Failure } from '../../contracts';
import type {
  DeploymentId,
  ModelVersionId,
  PredictionId,
  PredictionRecord,
  ScenarioId,
} from '../../contracts';
import type { TenantContext } from '../platform/context';
import type { Database, PlatformTx, TenantTx } from '../platform/database';
import type { LoggedPrediction } from '../usage';

/** A prediction as it was answered. `rows` is null when the scenario did not log it, or its retention has passed. */
export interface RecordedPrediction {
  readonly id: PredictionId;
  readonly deploymentId: DeploymentId;
  readonly modelVersionId: ModelVersionId;
  readonly scenarioId: ScenarioId;
  readonly at: Date;
  readonly rowCount: number;
  readonly rows: PredictionRecord['rows'] | null;
  readonly outputs: PredictionRecord['outputs'] | null;
}

interface EventRow {
  deployment_id: DeploymentId;
  model_version_id: ModelVersionId;
  scenario_id: ScenarioId;
  at: Date;
  row_count: number;
}

/** Written by the usage consumer in the ledger's transaction; a repeat changes nothing. */
export const storePredictions = async (
  tx: PlatformTx,
  predictions: readonly LoggedPrediction[],
): Promise<void> => {
  const logged = predictions
    .filter(
      ({ event }) =>
        event.deploymentId !== null && event.modelVersionId !== null && event.scenarioId !== null,
    )
    .filter(({ record }) => record.rows.length > 0)
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  if (logged.length === 0) return;
  await tx.query(
    `insert into app.prediction
       (tenant_id, id, first_row, deployment_id, model_version_id, scenario_id, at, rows, outputs)
     select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[],
       $8::jsonb[], $9::jsonb[])
     on conflict do nothing`,
    [
      logged.map(({ event }) => event.tenantId),
      logged.map(({ record }) => record.id),
      logged.map(({ firstRow }) => firstRow),
      logged.map(({ event }) => event.deploymentId),
      logged.map(({ event }) => event.modelVersionId),
      logged.map(({ event }) => event.scenarioId),
      logged.map(({ event }) => event.eventTime),
      logged.map(({ record }) => jsonText(record.rows)),
      logged.map(({ record }) => jsonText(record.outputs)),
    ],
  );
};

/** PostgreSQL's jsonb has no NUL character. */
const jsonText = (value: unknown): string => JSON.stringify(value).replaceAll('\\u0000', '\\ufffd');

const sortKey = ({ event, record, firstRow }: LoggedPrediction): string =>
  `${event.tenantId} ${record.id} ${String(firstRow).padStart(6, '0')}`;

export class PredictionLog {
  constructor(private readonly db: Database) {}

  /** Null when there is no such prediction (yet: its event may be under way for a moment). */
  async find(tx: TenantTx, id: PredictionId): Promise<RecordedPrediction | null> {
    // The event first: it comes with its record, or after all parts of a very large one.
    const [event] = await tx.query<EventRow[]>(
      `select deployment_id, model_version_id, scenario_id, event_time as at,
         (quantities ->> 'prediction_rows')::int as row_count from app.usage_event
       where id = $1 and kind = 'prediction' and reason = 'billable' and reversal_of is null`,
      [id],
    );
    if (event === undefined) return null;
    const parts = await tx.query<Pick<PredictionRecord, 'rows' | 'outputs'>[]>(
      'select rows, outputs from app.prediction where id = $1 order by first_row',
      [id],
    );
    const rows = parts.flatMap((part) => part.rows);
    const isWhole = rows.length === event.row_count;
    return {
      id,
      deploymentId: event.deployment_id,
      modelVersionId: event.model_version_id,
      scenarioId: event.scenario_id,
      at: event.at,
      rowCount: event.row_count,
      rows: isWhole ? rows : null,
      outputs: isWhole ? parts.flatMap((part) => part.outputs) : null,
    };
  }

  /** Fails with NOT_FOUND when the prediction does not appear within `patienceMs`. */
  async get(ctx: TenantContext, id: PredictionId, patienceMs = 1500): Promise<RecordedPrediction> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const found = await this.db.within(ctx, (tx) => this.find(tx, id));
      if (found !== null) return found;
      // Only an id of these very moments can still be under way: everything else is answered at once.
      if (Date.now() > until || !isRecent(id)) throw new Failure('NOT_FOUND', 'no such prediction');
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }
}

const RECENT_MS = 5_000;
/** UUIDv7 begins with its instant; an id made of a request's own key (version 5) tells nothing. */
const isRecent = (id: PredictionId): boolean => {
  if (id[14] !== '7') return id[14] === '5';
  const madeMs = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return Math.abs(Date.now() - madeMs) < RECENT_MS;
};
