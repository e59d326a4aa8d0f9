import { LessThan } from 'typeorm';
import { Failure, subject } from '../../contracts';
import type { ScenarioId } from '../../contracts';
import type { TenantContext } from '../platform/context';
import { afterCommit } from '../platform/database';
import type { Database, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import type { Messaging } from '../platform/messaging';
import { toPage } from '../platform/page';
import type { Page, PageRequest } from '../platform/page';
import { Scenario } from './scenario.entity';
import { checkCosts, checkGoal, parseChanges, parseNewScenario } from './scenario.input';
import type { ScenarioChanges } from './scenario.input';

const MOST_ACTIVE = 1000;

/** What other gateways hear when a scenario changes: the log policy is read on the predict path. */
export interface ScenarioChanged {
  readonly kind: 'scenario';
  readonly tenantId: string;
  readonly id: ScenarioId;
}

const notFound = (): Failure => new Failure('NOT_FOUND', 'no such scenario');

/** For lists of one scenario: an unknown scenario is an error, not an empty list. Null asks for nothing. */
export const requireScenario = async (tx: TenantTx, id: ScenarioId | null): Promise<void> => {
  if (id === null) return;
  const found = await tx.query<unknown[]>('select 1 from app.scenario where id = $1', [id]);
  if (found.length === 0) throw notFound();
};

/** Business uses of models. Everything later (datasets, jobs, deployments, usage) hangs on one. */
export class ScenarioService {
  constructor(
    private readonly db: Database,
    private readonly messaging: Pick<Messaging, 'publish'>,
  ) {}

  async get(ctx: TenantContext, id: ScenarioId): Promise<Scenario> {
    return this.db.within(ctx, (tx) => this.getIn(tx, id));
  }

  /** Inside a transaction that needs it to be there. */
  async getIn(tx: TenantTx, id: ScenarioId): Promise<Scenario> {
    const scenario = await tx.findOneBy(Scenario, { id });
    if (scenario === null) throw notFound();
    return scenario;
  }

  /** The same, for something new that is to hang on it: not on an archived one. Holds it against archiving. */
  async getActiveIn(tx: TenantTx, id: ScenarioId): Promise<Scenario> {
    const scenario = await tx.findOne(Scenario, { where: { id }, lock: { mode: 'pessimistic_read' } });
    if (scenario === null) throw notFound();
    if (scenario.state !== 'ACTIVE') throw new Failure('STATE_CONFLICT', 'this scenario is archived');
    return scenario;
  }

  async list(ctx: TenantContext, page: PageRequest): Promise<Page<Scenario>> {
    const rows = await this.db.within(ctx, (tx) =>
      tx.find(Scenario, {
        ...(page.after === null ? {} : { where: { id: LessThan(page.after as ScenarioId) } }),
        order: { id: 'desc' },
        take: page.limit + 1,
      }),
    );
    return toPage(rows, page);
  }

  /** From a template, from scratch, or from a template with changes. */
  async create(ctx: TenantContext, tx: TenantTx, input: unknown): Promise<Scenario> {
    const { template, task, target, ...changes } = parseNewScenario(input);
    const active = await tx.countBy(Scenario, { state: 'ACTIVE' });
    if (active >= MOST_ACTIVE)
      throw new Failure('CONFLICT', `a tenant has at most ${MOST_ACTIVE} active scenarios`);
    await this.nameIsFree(tx, changes.name, null);
    const id = newId<ScenarioId>();
    await tx.insert(Scenario, {
      tenantId: ctx.tenantId,
      id,
      template,
      task,
      target,
      currency: 'EUR',
      ...columns(changes),
      name: changes.name,
      goalMetric: changes.goalMetric,
    });
    return this.getIn(tx, id);
  }

  /** Task and target stay: what hangs on the scenario was made for them. */
  async update(ctx: TenantContext, tx: TenantTx, id: ScenarioId, input: unknown): Promise<Scenario> {
    const changes = parseChanges(input);
    const scenario = await this.getActiveIn(tx, id);
    if (changes.goalMetric !== undefined) checkGoal(scenario.task, changes.goalMetric);
    checkCosts(scenario.task, changes.errorCosts);
    if (changes.name !== undefined) await this.nameIsFree(tx, changes.name, id);
    await tx.update(Scenario, { id }, { ...columns(changes), updatedAt: () => 'now()' });
    this.tell(ctx, tx, id);
    return this.getIn(tx, id);
  }

  /** Nothing new hangs on it from now on; what there is stays. */
  async archive(ctx: TenantContext, tx: TenantTx, id: ScenarioId): Promise<Scenario> {
    const scenario = await tx.findOne(Scenario, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (scenario === null) throw notFound();
    if (scenario.state === 'ARCHIVED') return scenario;
    await tx.update(
      Scenario,
      { id },
      { state: 'ARCHIVED', archivedAt: () => 'now()', updatedAt: () => 'now()' },
    );
    this.tell(ctx, tx, id);
    return this.getIn(tx, id);
  }

  private async nameIsFree(tx: TenantTx, name: string, own: ScenarioId | null): Promise<void> {
    const taken = await tx.query<unknown[]>(
      `select 1 from app.scenario where lower(name) = lower($1) and state = 'ACTIVE' and id is distinct from $2::uuid`,
      [name, own],
    );
    if (taken.length > 0)
      throw new Failure('CONFLICT', 'an active scenario has this name', { path: ['name'] });
  }

  private tell(ctx: TenantContext, tx: TenantTx, id: ScenarioId): void {
    const changed: ScenarioChanged = { kind: 'scenario', tenantId: ctx.tenantId, id };
    afterCommit(tx, () => this.messaging.publish(subject.changed, changed));
  }
}

const columns = ({ predictionLog, ...plain }: ScenarioChanges) => ({
  ...plain,
  ...(predictionLog?.enabled === undefined ? {} : { logEnabled: predictionLog.enabled }),
  ...(predictionLog?.sampling === undefined ? {} : { logSampling: predictionLog.sampling }),
  ...(predictionLog?.retentionDays === undefined ? {} : { logRetentionDays: predictionLog.retentionDays }),
  ...(predictionLog?.leftOut === undefined ? {} : { logLeftOut: predictionLog.leftOut }),
});
