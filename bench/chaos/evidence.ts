/** What clients saw and what the database says afterwards: all that the check needs. */
import { Client } from 'pg';

export interface AnsweredPrediction {
  readonly tenantId: string;
  readonly id: string;
}

export interface SeenByClients {
  /** Trainings whose submission was answered. */
  readonly submitted: readonly { readonly tenantId: string; readonly jobId: string }[];
  /** Every terminal state that a client was told, as often as it was told. */
  readonly endings: readonly { readonly jobId: string; readonly state: string }[];
  /** Answers to predictions; a repeat under the caller's own requestId counts as one. */
  readonly answered: readonly AnsweredPrediction[];
  /** Dataset versions that a client was told are sealed. */
  readonly sealed: readonly { readonly tenantId: string; readonly versionId: string }[];
  /** Answers that nothing being away explains. */
  readonly surprises: readonly string[];
}

export interface JobRow {
  readonly tenantId: string;
  readonly id: string;
  readonly state: string;
  readonly taskState: string | null;
}

export interface UsageRow {
  readonly tenantId: string;
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly reason: string;
  readonly jobId: string | null;
  readonly bytesDelta: string | null;
  readonly reversalOf: string | null;
}

export interface ObjectRow {
  readonly tenantId: string;
  readonly key: string;
  readonly sizeBytes: string;
}

export interface FoundInDatabase {
  readonly jobs: readonly JobRow[];
  readonly modelVersions: readonly { readonly id: string; readonly jobId: string }[];
  readonly datasetVersions: readonly { readonly id: string; readonly state: string }[];
  readonly usage: readonly UsageRow[];
  readonly predictions: readonly AnsweredPrediction[];
  /** Files that are kept and billed. */
  readonly objects: readonly ObjectRow[];
  /** Numbers of usage producers that never came. */
  readonly gaps: readonly string[];
  readonly deadLetters: number;
  /** Running sums that differ from the sum of their events. */
  readonly wrongSums: number;
}

export interface Evidence extends SeenByClients, FoundInDatabase {
  /** Processes that outlived their parent, or the platform. */
  readonly orphans: readonly string[];
}

const WRONG_SUMS = `
  with summed as (
    select e.tenant_id, (e.event_time at time zone 'UTC')::date as day,
           coalesce(e.scenario_id, '00000000-0000-0000-0000-000000000000') as scenario_id,
           q.key as meter, e.reason, sum(q.value::numeric) as quantity, count(*) as events
      from app.usage_event e, jsonb_each_text(e.quantities) q
     group by 1, 2, 3, 4, 5)
  select count(*)::int as n from summed s
    full join app.usage_day d using (tenant_id, day, scenario_id, meter, reason)
   where s.quantity is distinct from d.quantity or s.events is distinct from d.events`;

/** Reads everything as the superuser, past every policy. */
export const findInDatabase = async (superuserUrl: string): Promise<FoundInDatabase> => {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  const rows = async <T extends object>(sql: string): Promise<T[]> => (await client.query<T>(sql)).rows;
  const count = async (sql: string): Promise<number> => (await rows<{ n: number }>(sql))[0]?.n ?? 0;
  try {
    return {
      jobs: await rows<JobRow>(
        `select j.tenant_id as "tenantId", j.id, j.state, t.state as "taskState"
           from app.job j left join app.task t on t.tenant_id = j.tenant_id and t.id = j.task_id`,
      ),
      modelVersions: await rows('select id, job_id as "jobId" from app.model_version'),
      datasetVersions: await rows('select id, state from app.dataset_version'),
      usage: await rows<UsageRow>(
        `select tenant_id as "tenantId", id, kind, key, reason, job_id as "jobId",
                bytes_delta::text as "bytesDelta", reversal_of as "reversalOf" from app.usage_event`,
      ),
      predictions: await rows('select tenant_id as "tenantId", id from app.prediction where first_row = 0'),
      objects: await rows<ObjectRow>(
        `select tenant_id as "tenantId", key, size_bytes::text as "sizeBytes" from app.stored_object
          where state = 'RETAINED' and kind in ('sealed', 'onnx', 'golden', 'evaluation', 'card', 'packed')`,
      ),
      gaps: (
        await rows<{ gap: string }>(
          `select producer || ' ' || missing::text as gap from app.usage_producer where not isempty(missing)`,
        )
      ).map(({ gap }) => gap),
      deadLetters: await count('select count(*)::int as n from app.usage_dead_letter'),
      wrongSums: await count(WRONG_SUMS),
    };
  } finally {
    await client.end();
  }
};

/** How many of these predictions are not in the ledger yet. */
export const missingFromLedger = async (
  superuserUrl: string,
  answered: readonly AnsweredPrediction[],
): Promise<number> => {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from unnest($1::uuid[]) as wanted(id)
        where not exists (select from app.usage_event e where e.id = wanted.id)`,
      [answered.map(({ id }) => id)],
    );
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
};
