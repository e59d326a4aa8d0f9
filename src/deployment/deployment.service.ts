import { asFailure, Failure } from '../../contracts';
import type { DeploymentId, ModelManifest, ModelVersionId, ScenarioId, TenantId } from '../../contracts';
import type { TenantContext } from '../platform/context';
import { afterCommit } from '../platform/database';
import type { Database, Scoped, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/log';
import { toPage } from '../platform/page';
import { requireScenario } from '../scenario';
import type { Page, PageRequest } from '../platform/page';
import { deploymentOf, revisionOf } from './deployment';
import type { Deployment, DeploymentRow, Revision, RevisionRow } from './deployment';

/** Looks up versions; the registry. */
export interface VersionSource {
  require(
    tx: TenantTx,
    id: ModelVersionId,
  ): Promise<{ id: ModelVersionId; scenarioId: ScenarioId; manifest: ModelManifest }>;
}
/** Runs a version's golden rows where it will be served; fails when it does not give the recorded answers. */
export interface GoldenReplay {
  replay(tenantId: TenantId, manifest: ModelManifest): Promise<void>;
}
/** Tells every gateway that what stands behind an address changed. */
export type Announce = (change: { tenantId: TenantId; deploymentId: DeploymentId }) => void;

export interface DeployRequest {
  readonly modelVersionId: ModelVersionId;
  /** Lower-case letters, digits and dashes. An existing name moves to the new version; its id stays. */
  readonly name: string;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const SWEEP_MS = 2000;
/** A start that its gateway did not finish (it was killed) is taken up by another one. */
const ABANDONED = "interval '5 seconds'";
const GIVEN_UP_MS = 120_000;

export class Deployments {
  private readonly starting = new Map<string, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly db: Database,
    private readonly versions: VersionSource,
    private readonly golden: GoldenReplay,
    private readonly announce: Announce,
    private readonly log: Logger,
  ) {}

  /**
   * Puts a version behind the name. The version becomes ready once its golden rows gave the recorded answers; what
   * answered before goes on until then. Fails with NOT_FOUND, or CONFLICT when another scenario has the name.
   */
  async deploy(ctx: TenantContext, tx: TenantTx, request: DeployRequest): Promise<Deployment> {
    if (!NAME.test(request.name))
      throw new Failure(
        'BAD_INPUT',
        'a deployment name has lower-case letters, digits and dashes, 63 at most',
        {
          path: ['name'],
          hint: 'for example house-prices',
        },
      );
    const version = await this.versions.require(tx, request.modelVersionId);
    const id = newId<DeploymentId>();
    await tx.query(
      `insert into app.deployment (tenant_id, id, scenario_id, name) values ($1, $2, $3, $4)
       on conflict (tenant_id, name) do nothing`,
      [ctx.tenantId, id, version.scenarioId, request.name],
    );
    const deployment = await this.lock(tx, 'name', request.name);
    if (deployment.scenarioId !== version.scenarioId)
      throw new Failure('CONFLICT', 'a deployment of another scenario has this name', {
        path: ['name'],
        hint: 'choose another name',
      });
    if (deployment.state === 'FAILED' || deployment.state === 'STOPPED')
      await tx.query(`update app.deployment set state = 'STARTING', updated_at = now() where id = $1`, [
        deployment.id,
      ]);
    await tx.query(
      `update app.deployment_revision set state = 'RETIRED' where deployment_id = $1 and state = 'STARTING'`,
      [deployment.id],
    );
    await tx.query(
      `insert into app.deployment_revision (tenant_id, id, deployment_id, number, model_version_id)
       select $1, $2, $3, coalesce(max(number), 0) + 1, $4 from app.deployment_revision where deployment_id = $3`,
      [ctx.tenantId, newId(), deployment.id, version.id],
    );
    afterCommit(tx, () => void this.activate({ tenantId: ctx.tenantId }, deployment.id));
    return this.lock(tx, 'id', deployment.id);
  }

  /** The deployment after the start that is under way in this gateway has ended, for good or ill. */
  async settled(ctx: TenantContext, id: DeploymentId): Promise<Deployment> {
    await this.starting.get(id);
    return this.get(ctx, id);
  }

  /** Nothing answers at the address any more; its name and id stay. */
  async stop(ctx: TenantContext, tx: TenantTx, id: DeploymentId): Promise<Deployment> {
    const deployment = await this.lock(tx, 'id', id);
    if (deployment.state === 'STOPPED') return deployment;
    await tx.query(
      `update app.deployment_revision set state = 'RETIRED' where deployment_id = $1 and state in ('STARTING', 'READY')`,
      [id],
    );
    await tx.query(`update app.deployment set state = 'STOPPED', updated_at = now() where id = $1`, [id]);
    afterCommit(tx, () => this.announce({ tenantId: ctx.tenantId, deploymentId: id }));
    return this.lock(tx, 'id', id);
  }

  /** Fails with NOT_FOUND. */
  async get(scope: Scoped, id: DeploymentId): Promise<Deployment> {
    return this.db.within(scope, async (tx) => {
      const [row] = await tx.query<DeploymentRow[]>('select * from app.deployment where id = $1', [id]);
      if (row === undefined) throw new Failure('NOT_FOUND', 'no such deployment');
      return deploymentOf(row);
    });
  }

  /** Newest first. */
  async list(
    ctx: TenantContext,
    scenarioId: ScenarioId | null,
    page: PageRequest,
  ): Promise<Page<Deployment>> {
    const rows = await this.db.within(ctx, async (tx) => {
      await requireScenario(tx, scenarioId);
      return tx.query<DeploymentRow[]>(
        `select * from app.deployment where ($1::uuid is null or scenario_id = $1) and ($2::uuid is null or id < $2)
         order by id desc limit $3`,
        [scenarioId, page.after, page.limit + 1],
      );
    });
    return toPage(rows.map(deploymentOf), page);
  }

  /** Newest first; the last hundred. */
  async revisions(ctx: TenantContext, id: DeploymentId): Promise<Revision[]> {
    const rows = await this.db.within(ctx, (tx) =>
      tx.query<RevisionRow[]>(
        'select * from app.deployment_revision where deployment_id = $1 order by number desc limit 100',
        [id],
      ),
    );
    return rows.map(revisionOf);
  }

  /** The version that answers for a scenario: of its most recently changed ready deployment. */
  async current(tx: TenantTx, _ctx: Scoped, scenarioId: ScenarioId): Promise<ModelVersionId | null> {
    const [row] = await tx.query<{ model_version_id: ModelVersionId }[]>(
      `select model_version_id from app.deployment where scenario_id = $1 and state = 'READY'
       order by updated_at desc, id limit 1`,
      [scenarioId],
    );
    return row?.model_version_id ?? null;
  }

  /** Takes up starts that a killed gateway left behind. */
  start(): void {
    this.timer = setInterval(() => void this.sweep(), SWEEP_MS);
    this.timer.unref();
  }
  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.allSettled(this.starting.values());
  }

  private async sweep(): Promise<void> {
    try {
      const rows = await this.db.asPlatform('abandoned deployment starts', (tx) =>
        tx.query<{ tenant_id: TenantId; deployment_id: DeploymentId }[]>(
          `select tenant_id, deployment_id from app.deployment_revision
           where state = 'STARTING' and created_at < now() - ${ABANDONED} limit 20`,
        ),
      );
      for (const row of rows) await this.activate({ tenantId: row.tenant_id }, row.deployment_id);
    } catch (error) {
      this.log.debug({ err: error }, 'deployment sweep will try again');
    }
  }

  private activate(scope: Scoped, id: DeploymentId): Promise<void> {
    // Revisions of one address start one after the other.
    const before = this.starting.get(id) ?? Promise.resolve();
    const started = before
      .then(() => this.startNewest(scope, id))
      .catch((error: unknown) =>
        this.log.warn({ err: error, deploymentId: id }, 'a start will be tried again'),
      )
      .finally(() => {
        if (this.starting.get(id) === started) this.starting.delete(id);
      });
    this.starting.set(id, started);
    return started;
  }

  private async startNewest(scope: Scoped, id: DeploymentId): Promise<void> {
    const found = await this.db.within(scope, async (tx) => {
      const [row] = await tx.query<RevisionRow[]>(
        `select * from app.deployment_revision where deployment_id = $1 and state = 'STARTING'`,
        [id],
      );
      return (
        row && { revision: revisionOf(row), version: await this.versions.require(tx, row.model_version_id) }
      );
    });
    if (found === undefined) return;
    let failure: Failure | null = null;
    try {
      await this.golden.replay(scope.tenantId, found.version.manifest);
    } catch (error) {
      failure = asFailure(error);
      const age = Date.now() - found.revision.createdAt.getTime();
      // The store or the runners may be away for a moment: that says nothing of the model.
      if (['UNAVAILABLE', 'OVERLOADED'].includes(failure.code) && age < GIVEN_UP_MS) throw failure;
      if (failure.code === 'INTERNAL')
        this.log.error({ err: error, deploymentId: id }, 'golden rows: unexpected');
    }
    await this.db.within(scope, (tx) => this.conclude(tx, id, found.revision.id, failure));
    this.announce({ tenantId: scope.tenantId, deploymentId: id });
  }

  private async conclude(
    tx: TenantTx,
    id: DeploymentId,
    revisionId: string,
    failure: Failure | null,
  ): Promise<void> {
    const deployment = await this.lock(tx, 'id', id);
    const [row] = await tx.query<RevisionRow[]>(
      `select * from app.deployment_revision where id = $1 and state = 'STARTING'`,
      [revisionId],
    );
    if (row === undefined) return; // overtaken or stopped meanwhile
    if (failure !== null) {
      await tx.query(
        `update app.deployment_revision set state = 'FAILED', failure_code = $2, failure_message = $3 where id = $1`,
        [revisionId, failure.code, failure.message],
      );
      if (deployment.state === 'STARTING')
        await tx.query(`update app.deployment set state = 'FAILED', updated_at = now() where id = $1`, [id]);
      return;
    }
    await tx.query(
      `update app.deployment_revision set state = 'RETIRED' where deployment_id = $1 and state = 'READY'`,
      [id],
    );
    await tx.query(`update app.deployment_revision set state = 'READY', ready_at = now() where id = $1`, [
      revisionId,
    ]);
    await tx.query(
      `update app.deployment set state = 'READY', model_version_id = $2, updated_at = now() where id = $1`,
      [id, row.model_version_id],
    );
  }

  private async lock(tx: TenantTx, by: 'id' | 'name', value: string): Promise<Deployment> {
    const [row] = await tx.query<DeploymentRow[]>(
      `select * from app.deployment where ${by} = $1 for update`,
      [value],
    );
    if (row === undefined) throw new Failure('NOT_FOUND', 'no such deployment');
    return deploymentOf(row);
  }
}
