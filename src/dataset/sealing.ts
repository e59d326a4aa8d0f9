/** How a version ends its way: sealed with its one file kept, or rejected with nothing left. */
import { Failure, subject } from '../../contracts';
import type {
  ColumnProfile,
  ColumnSpec,
  DatasetVersionId,
  DatasetWarning,
  HoldoutRule,
  LearningTask,
  StoredFile,
  TaskId,
  TenantId,
} from '../../contracts';
import { afterCommit } from '../platform/database';
import type { TenantTx } from '../platform/database';
import type { Messaging } from '../platform/messaging';
import type { ObjectCatalogue } from '../platform/object-store';
import { Dataset, DatasetVersion } from './dataset.entity';
import type { DatasetVersionState } from './dataset.entity';
import type { StorageMeter } from './storage-meter';

export interface SealedFacts {
  readonly rows: number;
  readonly holdoutRows: number;
  readonly task: LearningTask;
  readonly columns: ColumnSpec[];
  readonly profile: ColumnProfile[];
  readonly warnings: DatasetWarning[];
  readonly holdout: HoldoutRule;
  readonly sealed: StoredFile;
}

export class Sealing {
  constructor(
    private readonly catalogue: ObjectCatalogue,
    private readonly meter: StorageMeter,
    private readonly messaging: Messaging,
  ) {}

  /** Fails with NOT_FOUND. The row is held until the transaction ends. */
  async lock(tx: TenantTx, id: DatasetVersionId): Promise<DatasetVersion> {
    const found = await tx.findOne(DatasetVersion, {
      where: { id },
      lock: { mode: 'pessimistic_write' },
    });
    if (found === null) throw new Failure('NOT_FOUND', 'no such dataset version');
    return found;
  }

  async move(
    tx: TenantTx,
    version: DatasetVersion,
    state: DatasetVersionState,
    set: Partial<DatasetVersion> = {},
  ): Promise<void> {
    const { id } = version;
    await tx
      .createQueryBuilder()
      .update(DatasetVersion)
      .set({ ...set, state })
      .where({ id })
      .execute();
    this.announce(tx, version.tenantId, id);
  }

  /** Tells followers to look again. */
  announce(tx: TenantTx, tenantId: TenantId, versionId: string): void {
    afterCommit(tx, () => this.messaging.publish(subject.state(tenantId, versionId), { v: 1 }));
  }

  /** Keeps the sealed file, lets the upload go, and from now on the version is what it is. */
  async seal(tx: TenantTx, version: DatasetVersion, taskId: TaskId, facts: SealedFacts): Promise<void> {
    const { sealed, rows, holdoutRows, task, columns, profile, warnings, holdout } = facts;
    const [[{ same }]] = await tx.query<[[{ same: boolean }], number]>(
      `update app.dataset set holdout = coalesce(holdout, $2) where id = $1 returning holdout = $2::jsonb as same`,
      [version.datasetId, JSON.stringify(holdout)],
    );
    if (!same)
      throw new Failure('CONFLICT', 'another version was sealed meanwhile and holds out other rows', {
        hint: 'declare the dataset again: it follows the version that is sealed',
      });
    await this.catalogue.retain(tx, sealed);
    await this.move(tx, version, 'SEALED', {
      rows,
      holdoutRows,
      task,
      columns,
      profile,
      warnings,
      holdout,
      sealedKey: sealed.key,
      sealedSha256: sealed.sha256,
      sealedBytes: sealed.sizeBytes,
      sealedAt: new Date(),
    });
    await this.meter.storageChanged(tx, {
      objectKey: sealed.key,
      bytes: sealed.sizeBytes,
      scenarioId: version.scenarioId,
      event: 'created',
    });
    await this.letGo(tx, version, taskId);
  }

  async reject(tx: TenantTx, version: DatasetVersion, failure: Failure): Promise<void> {
    await this.move(tx, version, 'REJECTED', {
      errorCode: failure.code,
      errorMessage: failure.message,
      errorHint: failure.hint ?? null,
      errorColumn: failure.path?.map(String).at(-1) ?? null,
    });
    await this.letGo(tx, version, version.taskId);
  }

  /** Ends the storage of a version and everything on its way to it. */
  async delete(tx: TenantTx, version: DatasetVersion): Promise<void> {
    await this.move(tx, version, 'DELETED');
    await this.letGo(tx, version, version.taskId);
    if (version.state !== 'SEALED' || version.sealedKey === null) return;
    await this.catalogue.doom(tx, [version.sealedKey]);
    await this.meter.storageChanged(tx, {
      objectKey: version.sealedKey,
      bytes: version.sealedBytes ?? 0,
      scenarioId: version.scenarioId,
      event: 'deleted',
    });
  }

  private async letGo(tx: TenantTx, version: DatasetVersion, taskId: TaskId | null): Promise<void> {
    if (version.rawKey !== null) await this.catalogue.doom(tx, [version.rawKey]);
    if (taskId !== null) await this.catalogue.doomLeftovers(tx, taskId);
  }

  /** The dataset that a version belongs to. */
  dataset(tx: TenantTx, version: DatasetVersion): Promise<Dataset> {
    return tx.findOneByOrFail(Dataset, { id: version.datasetId });
  }
}
