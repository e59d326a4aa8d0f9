import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import { asFailure, canonicalJson, Failure } from '../../contracts';
import type {
  DeploymentId,
  ModelManifest,
  ModelVersionId,
  PredictionId,
  PredictionRecord,
  ScenarioId,
  Sha256,
  UsageEventId,
  UsageReason,
} from '../../contracts';
import type { Clock } from '../platform/clock';
import type { TenantContext } from '../platform/context';
import { newId } from '../platform/ids';
import { assertLoggable } from '../usage';
import type { UnnumberedEvent, UsageMeter } from '../usage';
import { answersOf } from './answers';
import type { Answer } from './answers';
import type { Route, RouteCache } from './route-cache';
import { RowParser } from './rows';
import type { OnUnknownCategory, RawRow } from './rows';
import type { RunnerPool } from './runner/pool';

export interface PredictRequest {
  readonly deploymentId: DeploymentId;
  /** Values by column name, one object a row. */
  readonly rows: readonly unknown[];
  /** The caller's own key: a repeat of the request is counted once. Up to 128 printable characters. */
  readonly requestId?: string | null;
  readonly onUnknownCategory?: OnUnknownCategory;
}

export interface Prediction {
  readonly id: PredictionId;
  readonly deploymentId: DeploymentId;
  readonly modelVersionId: ModelVersionId;
  readonly scenarioId: ScenarioId;
  readonly at: Date;
  readonly outputs: readonly Answer[];
  /** Labels in the order of `probabilities`; empty for a regression. */
  readonly classes: readonly string[];
  /** Of a forecast: its columns and the levels of its quantiles, in the order of the answers; else null. */
  readonly targets: readonly string[] | null;
  readonly levels: readonly number[] | null;
}

/** Namespace of prediction ids that follow from (tenant, requestId): a repeat has the same id. */
const REQUEST_NAMESPACE = '6f0d4f6e-6f0f-5d3e-9d0b-6d6f64656c6d';
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
/** Requests of the last minutes by their own key, to refuse a used key with other rows at once. */
const REMEMBERED_REQUESTS = 20_000;

/** Answers predictions: no database on the way, and no answer before its usage event is stored. */
export class Predictions {
  private readonly requests = new Map<string, string>();

  constructor(
    private readonly routes: RouteCache,
    private readonly pool: RunnerPool,
    private readonly meter: UsageMeter,
    private readonly clock: Clock,
  ) {}

  async predict(ctx: TenantContext, request: PredictRequest): Promise<Prediction> {
    this.meter.assertAvailable();
    const route = await this.routes.get(ctx, request.deploymentId);
    const { batch, rows } = route.parser.parse(request.rows, request.onUnknownCategory ?? 'REJECT');
    const at = this.clock.now();
    const identity = this.identify(ctx, request);
    let computeNs: bigint | undefined;
    let outputs: Answer[];
    try {
      const run = await this.pool.run(route.file, batch);
      computeNs = run.computeNs;
      outputs = answersOf(run, route.signature);
      const event: UnnumberedEvent = {
        ...eventOf(ctx, route, at, 'billable'),
        id: identity.id as string as UsageEventId,
        key: identity.key,
        quantities: quantitiesOf(rows, computeNs),
        ...(identity.bodySha256 === undefined ? {} : { bodySha256: identity.bodySha256 }),
      };
      await this.meter.store(event, recordOf(route, identity.id, rows, outputs));
    } catch (error) {
      throw this.recordRefused(ctx, route, at, quantitiesOf(rows, computeNs), error);
    }
    if (request.requestId != null && identity.bodySha256 !== undefined)
      this.remember(ctx, request.requestId, identity.bodySha256);
    return {
      id: identity.id,
      deploymentId: route.deploymentId,
      modelVersionId: route.modelVersionId,
      scenarioId: route.scenarioId,
      at,
      outputs,
      classes: route.signature.classes,
      targets: route.signature.targets ?? null,
      levels: route.signature.levels ?? null,
    };
  }

  /** The answer that a version gives to a row, not counted: for feedback that brings its own row. */
  async answer(
    ctx: TenantContext,
    { onnx, signature }: Pick<ModelManifest, 'onnx' | 'signature'>,
    row: unknown,
  ): Promise<{ answer: Answer; row: RawRow }> {
    const { batch, rows } = new RowParser(signature).parse([row], 'USE_OTHER');
    const run = await this.pool.run({ tenantId: ctx.tenantId, onnx }, batch);
    const [answer] = answersOf(run, signature);
    if (answer === undefined || rows[0] === undefined)
      throw new Failure('MODEL_FAILED', 'the model gave no answer');
    return { answer, row: rows[0] };
  }

  private identify(
    ctx: TenantContext,
    { requestId, rows, deploymentId }: PredictRequest,
  ): { id: PredictionId; key: string; bodySha256?: Sha256 } {
    if (requestId == null) {
      const id = newId<PredictionId>();
      return { id, key: id };
    }
    if (!REQUEST_ID.test(requestId))
      throw new Failure('BAD_INPUT', 'a requestId has 1 to 128 printable characters and no space', {
        path: ['requestId'],
      });
    const body = createHash('sha256').update(canonicalJson({ deploymentId, rows })).digest('hex') as Sha256;
    const known = `${ctx.tenantId} ${requestId}`;
    const before = this.requests.get(known);
    if (before !== undefined && before !== body)
      throw new Failure('IDEMPOTENCY_CONFLICT', 'this requestId was used with other rows', {
        path: ['requestId'],
        hint: 'use a new requestId for a new request',
      });
    const id = v5(known, REQUEST_NAMESPACE) as PredictionId;
    return { id, key: `request:${requestId}`, bodySha256: body };
  }

  private remember(ctx: TenantContext, requestId: string, body: Sha256): void {
    const known = `${ctx.tenantId} ${requestId}`;
    this.requests.delete(known);
    this.requests.set(known, body);
    for (const oldest of this.requests.keys()) {
      if (this.requests.size <= REMEMBERED_REQUESTS) break;
      this.requests.delete(oldest);
    }
  }

  /** Work without an answer is recorded and costs nothing; what the meter cannot store it cannot record either. */
  private recordRefused(
    ctx: TenantContext,
    route: Route,
    at: Date,
    quantities: UnnumberedEvent['quantities'],
    error: unknown,
  ): Failure {
    const failure = asFailure(error);
    const isModels = failure.code.startsWith('MODEL_');
    if (isModels || failure.code === 'PAYLOAD_TOO_LARGE') {
      const id = newId<UsageEventId>();
      const reason = isModels ? 'platform_fault' : 'failed';
      const event: UnnumberedEvent = {
        ...eventOf(ctx, route, at, reason),
        id,
        key: `failed:${id}`,
        quantities,
      };
      this.meter
        .store(event, null)
        .catch((cause: unknown) => ctx.log.warn({ err: cause }, 'a refused prediction was not recorded'));
    }
    return failure;
  }
}

const quantitiesOf = (rows: readonly RawRow[], computeNs?: bigint): UnnumberedEvent['quantities'] => ({
  predictions: '1',
  prediction_rows: String(rows.length),
  ...(computeNs === undefined ? {} : { prediction_compute_ns: String(computeNs) }),
});

const eventOf = (
  ctx: TenantContext,
  route: Route,
  at: Date,
  reason: UsageReason,
): Omit<UnnumberedEvent, 'id' | 'key' | 'quantities'> => ({
  v: 1,
  tenantId: ctx.tenantId,
  kind: 'prediction',
  bytesDelta: null,
  eventTime: at.toISOString(),
  reason,
  scenarioId: route.scenarioId,
  deploymentId: route.deploymentId,
  modelVersionId: route.modelVersionId,
  jobId: null,
  apiKeyId: ctx.principal.kind === 'apiKey' ? ctx.principal.id : null,
  reversalOf: null,
});

/**
 * The record that travels with the event, as far as the scenario wants one. One that is too large is refused whether or not
 * it would be sampled: the same request has the same answer.
 */
const recordOf = (
  { log }: Route,
  id: PredictionId,
  rows: readonly RawRow[],
  outputs: readonly Answer[],
): PredictionRecord | null => {
  if (!log.enabled) return null;
  const kept =
    log.leftOut.size === 0
      ? rows
      : rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !log.leftOut.has(name))));
  const record: PredictionRecord = { id, rows: [...kept], outputs: [...outputs] };
  if (isSampled(id, log.sampling)) return record;
  assertLoggable(record);
  return null;
};

/** By a hash of the id: a repeat of a request is in or out as the first was. */
const isSampled = (id: PredictionId, sampling: number): boolean =>
  sampling >= 1 || createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32 < sampling;
