import { Failure } from '../../contracts';
import type {
  DeploymentId,
  ModelManifest,
  ModelSignature,
  ModelVersionId,
  ScenarioId,
  TenantId,
} from '../../contracts';
import type { DeploymentState } from '../deployment';
import type { TenantContext } from '../platform/context';
import type { Database } from '../platform/database';
import type { ServedFile } from './runner/model-files';
import { RowParser } from './rows';

export interface LogPolicy {
  readonly enabled: boolean;
  /** 0 to 1: the part of requests that is logged. */
  readonly sampling: number;
  readonly leftOut: ReadonlySet<string>;
}

/** Everything that a prediction needs to know, so that it asks no database. */
export interface Route {
  readonly deploymentId: DeploymentId;
  readonly scenarioId: ScenarioId;
  readonly modelVersionId: ModelVersionId;
  readonly signature: ModelSignature;
  readonly parser: RowParser;
  readonly file: ServedFile;
  readonly log: LogPolicy;
}

/** Whether messages about changes reached this gateway since a moment: the pulse. */
export interface Freshness {
  now(): number;
  trusts(readAtMs: number): boolean;
}

interface Entry {
  readonly route: Route | Failure;
  /** From before the reading started. */
  readonly readAtMs: number;
}

/** A remembered route is read again behind the scenes after this: a lost message costs seconds, not for ever. */
const REFRESH_MS = 3000;
const MAX_ROUTES = 10_000;

/** Routes by tenant and deployment. Fresh ones need no database; stale ones are read again, or the answer is no. */
export class RouteCache {
  private readonly entries = new Map<string, Entry>();
  private readonly loading = new Map<string, Promise<Entry>>();
  /** Rises with every change of a route, so that a read that began before it is not remembered. */
  private readonly changes = new Map<string, number>();

  constructor(
    private readonly db: Database,
    private readonly freshness: Freshness,
  ) {}

  /** Called for every message that a deployment changed. */
  changed(tenantId: TenantId, deploymentId: DeploymentId): void {
    const key = keyOf(tenantId, deploymentId);
    this.entries.delete(key);
    if (this.loading.has(key)) this.changes.set(key, (this.changes.get(key) ?? 0) + 1);
  }

  /** Called for every message that a scenario changed: its log policy travels in the routes. */
  scenarioChanged(tenantId: TenantId, scenarioId: ScenarioId): void {
    for (const { route } of [...this.entries.values()])
      if (!(route instanceof Failure) && route.scenarioId === scenarioId)
        this.changed(tenantId, route.deploymentId);
  }

  /** Fails with NOT_FOUND, DEPLOYMENT_NOT_READY, or UNAVAILABLE when it must ask the database and cannot. */
  async get(ctx: TenantContext, deploymentId: DeploymentId): Promise<Route> {
    const key = keyOf(ctx.tenantId, deploymentId);
    const known = this.entries.get(key);
    if (known && this.freshness.trusts(known.readAtMs)) {
      if (this.freshness.now() - known.readAtMs > REFRESH_MS)
        this.load(key, ctx, deploymentId).catch(() => undefined);
      return routeOf(known);
    }
    return routeOf(await this.load(key, ctx, deploymentId));
  }

  private load(key: string, ctx: TenantContext, id: DeploymentId): Promise<Entry> {
    const loading = this.loading.get(key);
    if (loading) return loading;
    const started = this.read(ctx, id)
      .then((entry) => {
        // Changed while it was read: right for this answer, not to be remembered. Unknown ids are not remembered.
        if (!this.changes.delete(key) && !isNotFound(entry.route)) this.remember(key, entry);
        return entry;
      })
      .finally(() => this.loading.delete(key));
    this.loading.set(key, started);
    return started;
  }

  private remember(key: string, entry: Entry): void {
    this.entries.delete(key);
    this.entries.set(key, entry);
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= MAX_ROUTES) break;
      this.entries.delete(oldest);
    }
  }

  private async read(ctx: TenantContext, id: DeploymentId): Promise<Entry> {
    const readAtMs = this.freshness.now();
    interface Row {
      name: string;
      state: DeploymentState;
      scenario_id: ScenarioId;
      model_version_id: ModelVersionId | null;
      manifest: ModelManifest | null;
      log_enabled: boolean;
      log_sampling: number;
      log_left_out: string[];
    }
    const [row] = await this.db.within({ tenantId: ctx.tenantId }, (tx) =>
      tx.query<Row[]>(
        `select d.name, d.state, d.scenario_id, d.model_version_id, v.manifest, s.log_enabled, s.log_sampling, s.log_left_out
         from app.deployment d
         join app.scenario s on s.tenant_id = d.tenant_id and s.id = d.scenario_id
         left join app.model_version v on v.tenant_id = d.tenant_id and v.id = d.model_version_id
         where d.id = $1`,
        [id],
      ),
    );
    const entry = (route: Route | Failure): Entry => ({ route, readAtMs });
    if (row === undefined) return entry(new Failure('NOT_FOUND', 'no such deployment'));
    if (row.state !== 'READY' || row.model_version_id === null || row.manifest === null)
      return entry(
        new Failure('DEPLOYMENT_NOT_READY', `the deployment ${row.name} is ${row.state}`, {
          hint: 'only a READY deployment answers predictions',
        }),
      );
    const known = this.entries.get(keyOf(ctx.tenantId, id))?.route;
    const same =
      known !== undefined && !(known instanceof Failure) && known.modelVersionId === row.model_version_id;
    return entry({
      deploymentId: id,
      scenarioId: row.scenario_id,
      modelVersionId: row.model_version_id,
      signature: row.manifest.signature,
      parser: same ? known.parser : new RowParser(row.manifest.signature),
      file: { tenantId: ctx.tenantId, onnx: row.manifest.onnx },
      log: { enabled: row.log_enabled, sampling: row.log_sampling, leftOut: new Set(row.log_left_out) },
    });
  }
}

const keyOf = (tenantId: TenantId, deploymentId: DeploymentId): string => `${tenantId} ${deploymentId}`;
const isNotFound = (route: Route | Failure): boolean =>
  route instanceof Failure && route.code === 'NOT_FOUND';
const routeOf = ({ route }: Entry): Route => {
  if (route instanceof Failure) throw new Failure(route.code, route.message, { hint: route.hint });
  return route;
};
