import { LessThan } from 'typeorm';
import { Failure, WITHOUT_TARGET, subject } from '../../contracts';
import type {
  ColumnSpec,
  DataFormat,
  DatasetId,
  DatasetVersionId,
  ErrorCosts,
  HoldoutRule,
  LearningTask,
  MergeResult,
  Phase,
  ScenarioId,
  Sha256,
  Source,
  TaskId,
} from '../../contracts';
import type { TenantContext } from '../platform/context';
import type { Database, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import { toPage } from '../platform/page';
import type { Page, PageRequest } from '../platform/page';
import type { Messaging } from '../platform/messaging';
import type {
  ObjectCatalogue,
  ObjectKey,
  SignedUrls,
  StoredHook,
  StoredObject,
} from '../platform/object-store';
import { Follower } from '../platform/task';
import type { TaskQueue } from '../platform/task';
import { requireScenario } from '../scenario';
import type { ScenarioService } from '../scenario';
import { Dataset, DatasetVersion } from './dataset.entity';
import type { SealedVersion } from './dataset.entity';
import { profileTask } from './profile-task';
import { Sealing } from './sealing';
import type { StorageMeter } from './storage-meter';

const HOUR_MS = 3_600_000;
const UPLOAD_TTL_MS = HOUR_MS;
/** Typed Parquet is smaller than its text nearly always; room for the exceptions. */
const MAX_SEALED_BYTES = 8 * 1024 ** 3;
const POLL_MS = 2000;

export interface DatasetParts {
  readonly db: Database;
  readonly messaging: Messaging;
  readonly tasks: TaskQueue;
  readonly catalogue: ObjectCatalogue;
  readonly signedUrls: SignedUrls;
  readonly meter: StorageMeter;
  readonly scenarios: ScenarioService;
  readonly maxUploadBytes: number;
  readonly taskTimeoutMs: number;
}

export interface DeclareDataset {
  readonly scenarioId: ScenarioId;
  /** A name that the scenario knows already gives the next version of that dataset. */
  readonly name: string;
  readonly format: DataFormat;
  readonly sizeBytes: number;
  readonly sha256?: Sha256 | null;
  /** Default: the scenario's. */
  readonly target?: string | null;
  readonly task?: LearningTask | null;
  readonly holdoutFraction?: number | null;
  /** The column whose equal values are held out together. */
  readonly holdoutGroup?: string | null;
  readonly exclude?: readonly string[] | null;
  /** Columns that fairness is judged by. */
  readonly sensitive?: readonly string[] | null;
}

export interface UploadTicket {
  readonly url: string;
  readonly method: 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: Date;
}
export interface DeclaredDataset {
  readonly dataset: Dataset;
  readonly version: DatasetVersion;
  readonly upload: UploadTicket;
}

const requireText = (value: string, field: string): string => {
  const text = value.trim();
  if (text.length === 0 || text.length > 200 || text.includes('\0')) {
    throw new Failure('BAD_INPUT', `${field} takes 1 to 200 characters`, { path: [field] });
  }
  return text;
};

const targetFor = (task: LearningTask, target: string | null): string | null => {
  if (target !== null) return requireText(target, 'target');
  if (WITHOUT_TARGET.includes(task)) return null;
  throw new Failure('BAD_INPUT', `a ${task} needs a target`, {
    path: ['target'],
    hint: `tasks without one: ${WITHOUT_TARGET.join(', ')}`,
  });
};

/** A column to hold out whole groups by, where that makes sense; whether the file has it is seen when it is read. */
const holdoutGroupFor = (task: LearningTask, target: string | null, group: string | null): string | null => {
  if (group === null) return null;
  const refuse = (why: string, hint: string): never => {
    throw new Failure('BAD_INPUT', why, { path: ['holdoutGroup'], hint });
  };
  if (task === 'forecast')
    refuse('a forecast is judged by its latest rows, not by groups', 'leave holdoutGroup out');
  if (group === target) refuse('rows cannot be held out by the target', 'one of the other columns');
  return requireText(group, 'holdoutGroup');
};

/** Held-out rows are chosen once: a later version may repeat the choice, and not make another. */
const requireSameHoldout = ({ holdout }: Dataset, group: string | null): void => {
  if (holdout === null || group === null || (holdout.kind === 'group' && holdout.column === group)) return;
  throw new Failure(
    'BAD_INPUT',
    `the rows of this dataset are held out by ${holdoutWords(holdout)} already`,
    {
      path: ['holdoutGroup'],
      hint: 'leave holdoutGroup out, or give the data another name',
    },
  );
};

const holdoutWords = (rule: HoldoutRule): string =>
  rule.kind === 'hash' ? 'a hash of each row' : `the column ${JSON.stringify(rule.column)}`;

/** Columns that no training may use: what the user left out, and what the profile found to be no feature. */
const NOT_FEATURES: readonly string[] = ['CONSTANT_COLUMN', 'IDENTIFIER_COLUMN', 'LEAKING_COLUMN'];
export const excludedColumns = (version: SealedVersion): string[] => [
  ...new Set([
    ...version.exclude,
    ...version.warnings
      .filter((warning) => NOT_FEATURES.includes(warning.code))
      .flatMap((warning) => (warning.column === null ? [] : [warning.column])),
  ]),
];

/** Rows that a tenant brought: declared, uploaded, validated, and sealed for ever. */
export class DatasetService {
  private readonly sealing: Sealing;

  constructor(private readonly parts: DatasetParts) {
    this.sealing = new Sealing(parts.catalogue, parts.meter, parts.messaging);
    parts.tasks.register(
      profileTask(this.sealing, parts.catalogue, parts.signedUrls, {
        ttlMs: parts.taskTimeoutMs + HOUR_MS,
        maxSealedBytes: MAX_SEALED_BYTES,
      }),
    );
  }

  /** Makes the version and says where its bytes go. */
  async declare(ctx: TenantContext, tx: TenantTx, input: DeclareDataset): Promise<DeclaredDataset> {
    const { maxUploadBytes, catalogue, signedUrls } = this.parts;
    if (!Number.isSafeInteger(input.sizeBytes) || input.sizeBytes < 0) {
      throw new Failure('BAD_INPUT', 'sizeBytes is the size of the file in bytes', { path: ['sizeBytes'] });
    }
    if (input.sizeBytes > maxUploadBytes) {
      throw new Failure('UPLOAD_TOO_LARGE', `a file may have up to ${maxUploadBytes} bytes here`, {
        path: ['sizeBytes'],
      });
    }
    const holdoutFraction = input.holdoutFraction ?? 0.2;
    if (!(holdoutFraction >= 0 && holdoutFraction <= 0.5)) {
      throw new Failure('BAD_INPUT', 'holdoutFraction lies between 0 and 0.5', { path: ['holdoutFraction'] });
    }
    const scenario = await this.parts.scenarios.getActiveIn(tx, input.scenarioId);
    const task = input.task ?? scenario.task;
    const target = targetFor(task, input.target ?? scenario.target);
    const holdoutGroup = holdoutGroupFor(task, target, input.holdoutGroup ?? null);
    const exclude = [...new Set(input.exclude ?? [])];
    const sensitive = [...new Set(input.sensitive ?? [])];
    if (target !== null && exclude.includes(target)) {
      throw new Failure('BAD_INPUT', 'the target cannot be left out', { path: ['exclude'] });
    }
    if (target !== null && sensitive.includes(target)) {
      throw new Failure('BAD_INPUT', 'fairness is judged by other columns than the target', {
        path: ['sensitive'],
      });
    }
    const dataset = await this.datasetNamed(tx, input.scenarioId, requireText(input.name, 'name'));
    requireSameHoldout(dataset, holdoutGroup);
    const rawKey = await catalogue.mint(tx, ctx.tenantId, 'upload', { ttlMs: UPLOAD_TTL_MS + HOUR_MS });
    const version = await this.insertVersion(tx, dataset, {
      state: 'DECLARED',
      format: input.format,
      target,
      task,
      holdoutFraction,
      holdoutGroup,
      exclude,
      sensitive,
      declaredBytes: input.sizeBytes,
      rawKey,
    });
    const url = signedUrls.put(rawKey, {
      maxBytes: input.sizeBytes,
      exactBytes: input.sizeBytes,
      ...(input.sha256 == null ? {} : { sha256: input.sha256 }),
      ttlMs: UPLOAD_TTL_MS,
      purpose: 'dataset',
    });
    const expiresAt = new Date(Date.now() + UPLOAD_TTL_MS);
    return { dataset, version, upload: { url, method: 'PUT', headers: {}, expiresAt } };
  }

  private async datasetNamed(tx: TenantTx, scenarioId: ScenarioId, name: string): Promise<Dataset> {
    await tx.query(
      `insert into app.dataset (tenant_id, id, scenario_id, name, salt) values (app.tid(), $1, $2, $3, $4)
       on conflict (tenant_id, scenario_id, name) do nothing`,
      // No secret: the same file under the same name is split the same way in every installation.
      [newId<DatasetId>(), scenarioId, name, name],
    );
    // Held, so that versions declared at the same time get their numbers one after the other.
    return tx.findOneOrFail(Dataset, {
      where: { scenarioId, name },
      lock: { mode: 'pessimistic_write' },
    });
  }

  private async insertVersion(
    tx: TenantTx,
    dataset: Dataset,
    set: Partial<DatasetVersion>,
  ): Promise<DatasetVersion> {
    const last = await tx.findOne(DatasetVersion, {
      where: { datasetId: dataset.id },
      order: { number: 'DESC' },
    });
    const id = newId<DatasetVersionId>();
    await tx.insert(DatasetVersion, {
      ...set,
      tenantId: dataset.tenantId,
      id,
      datasetId: dataset.id,
      scenarioId: dataset.scenarioId,
      number: (last?.number ?? 0) + 1,
      createdAt: new Date(),
    });
    return tx.findOneByOrFail(DatasetVersion, { id });
  }

  /** What follows an upload: `hooks.dataset` of the object routes. */
  readonly uploaded: StoredHook = {
    stored: (tx: TenantTx, key: ObjectKey, stored: StoredObject) => this.accept(tx, key, stored),
    refused: (tx: TenantTx, key: ObjectKey, failure: Failure) => this.refuse(tx, key, failure),
  };

  private async accept(tx: TenantTx, key: ObjectKey, stored: StoredObject): Promise<void> {
    const version = await this.ofUpload(tx, key);
    if (version?.state !== 'DECLARED') {
      throw new Failure('UPLOAD_EXPIRED', 'this upload is not expected any more');
    }
    const taskId = await this.parts.tasks.enqueue(tx, {
      kind: 'profile',
      ownerId: version.id,
      scenarioId: version.scenarioId,
    });
    await this.sealing.move(tx, version, 'UPLOADED', {
      rawSha256: stored.sha256,
      rawBytes: stored.sizeBytes,
      taskId,
    });
  }

  /** The bytes are not what was declared: this version will never be. */
  private async refuse(tx: TenantTx, key: ObjectKey, failure: Failure): Promise<void> {
    const version = await this.ofUpload(tx, key);
    if (version?.state === 'DECLARED') await this.sealing.reject(tx, version, failure);
  }

  private ofUpload(tx: TenantTx, key: ObjectKey): Promise<DatasetVersion | null> {
    return tx.findOne(DatasetVersion, { where: { rawKey: key }, lock: { mode: 'pessimistic_write' } });
  }

  /** Ends the version and its storage; what was trained on it stays. */
  async deleteVersion(_ctx: TenantContext, tx: TenantTx, id: DatasetVersionId): Promise<DatasetVersion> {
    // The task is locked before the version, as everywhere: a result that arrives now waits, or is waited for.
    const seen = await tx.findOneBy(DatasetVersion, { id });
    if (seen?.taskId != null) await this.parts.tasks.cancel(tx, seen.taskId);
    const version = await this.sealing.lock(tx, id);
    if (version.state === 'DELETED') return version;
    if (version.taskId !== null && version.taskId !== seen?.taskId) {
      await this.parts.tasks.cancel(tx, version.taskId);
    }
    await this.sealing.delete(tx, version);
    return tx.findOneByOrFail(DatasetVersion, { id });
  }

  /** For training, inside its transaction. Fails with NOT_FOUND, or STATE_CONFLICT until the version is sealed. */
  async requireSealed(tx: TenantTx, id: DatasetVersionId): Promise<SealedVersion> {
    const version = await tx.findOneBy(DatasetVersion, { id });
    if (version === null) throw new Failure('NOT_FOUND', 'no such dataset version');
    if (version.state !== 'SEALED') {
      throw new Failure('STATE_CONFLICT', `the dataset version is ${version.state}, not SEALED`, {
        hint:
          version.state === 'REJECTED'
            ? 'declare the dataset again with a corrected file'
            : 'wait until the version is SEALED',
      });
    }
    return version as SealedVersion; // SEALED: the database demands that these columns are filled
  }

  /** Nothing new begins in an archived scenario: fails with STATE_CONFLICT. */
  async requireActive(tx: TenantTx, scenarioId: ScenarioId): Promise<void> {
    await this.parts.scenarios.getActiveIn(tx, scenarioId);
  }

  /** What the scenario wants its models to be judged by. */
  async goalMetric(tx: TenantTx, version: SealedVersion): Promise<string> {
    return (await this.parts.scenarios.getIn(tx, version.scenarioId)).goalMetric;
  }

  /** What the scenario says that a wrong label costs. */
  async errorCosts(tx: TenantTx, version: SealedVersion): Promise<ErrorCosts | null> {
    return (await this.parts.scenarios.getIn(tx, version.scenarioId)).errorCosts;
  }

  /** Where a worker reads the sealed bytes. They must still be what was sealed, or it fails with DATASET_CHANGED. */
  source(version: SealedVersion): Source {
    return {
      url: this.parts.signedUrls.get(version.sealedKey, this.parts.taskTimeoutMs + HOUR_MS),
      sha256: version.sealedSha256,
      sizeBytes: version.sealedBytes,
    };
  }

  /** The next version of the same dataset, to be made of `base` and more rows by a merge task. */
  async beginMerge(tx: TenantTx, base: SealedVersion): Promise<DatasetVersion> {
    const dataset = await this.sealing.dataset(tx, base);
    await tx.query('select 1 from app.dataset where id = $1 for update', [dataset.id]);
    const version = await this.insertVersion(tx, dataset, {
      state: 'VALIDATING',
      format: null,
      target: base.target,
      task: base.task,
      holdoutFraction: base.holdoutFraction,
      holdoutGroup: base.holdoutGroup,
      exclude: base.exclude,
      sensitive: base.sensitive,
      parentId: base.id,
    });
    return version;
  }

  /** The task that makes the version: deleting one cancels the other. */
  mergedBy(tx: TenantTx, version: DatasetVersion, taskId: TaskId | null): Promise<void> {
    return this.sealing.move(tx, version, version.state, { taskId });
  }

  async sealMerged(
    tx: TenantTx,
    id: DatasetVersionId,
    taskId: TaskId,
    base: { columns: ColumnSpec[]; task: LearningTask; holdout: SealedVersion['holdout'] },
    result: MergeResult,
  ): Promise<void> {
    await this.sealing.seal(tx, await this.sealing.lock(tx, id), taskId, { ...result, ...base });
  }

  async rejectMerged(tx: TenantTx, id: DatasetVersionId, failure: Failure): Promise<void> {
    const version = await this.sealing.lock(tx, id);
    if (version.state !== 'DELETED') await this.sealing.reject(tx, version, failure);
  }

  async getDataset(ctx: TenantContext, id: DatasetId): Promise<Dataset> {
    const found = await this.parts.db.within(ctx, (tx) => tx.findOneBy(Dataset, { id }));
    if (found === null) throw new Failure('NOT_FOUND', 'no such dataset');
    return found;
  }

  async getVersion(ctx: TenantContext, id: DatasetVersionId): Promise<DatasetVersion> {
    const found = await this.parts.db.within(ctx, (tx) => tx.findOneBy(DatasetVersion, { id }));
    if (found === null) throw new Failure('NOT_FOUND', 'no such dataset version');
    return found;
  }

  /** Newest first. */
  listDatasets(ctx: TenantContext, scenarioId: ScenarioId | null, page: PageRequest): Promise<Page<Dataset>> {
    return this.parts.db.within(ctx, async (tx) => {
      await requireScenario(tx, scenarioId);
      return toPage(
        await tx.find(Dataset, {
          where: {
            ...(scenarioId === null ? {} : { scenarioId }),
            ...(page.after === null ? {} : { id: LessThan(page.after as DatasetId) }),
          },
          order: { id: 'DESC' },
          take: page.limit + 1,
        }),
        page,
      );
    });
  }

  listVersions(ctx: TenantContext, datasetId: DatasetId, page: PageRequest): Promise<Page<DatasetVersion>> {
    return this.parts.db.within(ctx, async (tx) =>
      toPage(
        await tx.find(DatasetVersion, {
          where: {
            datasetId,
            ...(page.after === null ? {} : { id: LessThan(page.after as DatasetVersionId) }),
          },
          order: { id: 'DESC' },
          take: page.limit + 1,
        }),
        page,
      ),
    );
  }

  /** The version now and after every change, with the running task's phase; ends when the version has arrived. */
  async *progress(ctx: TenantContext, id: DatasetVersionId): AsyncGenerator<DatasetProgress> {
    const read = () =>
      this.parts.db.within(ctx, async (tx): Promise<DatasetProgress> => {
        const version = await tx.findOneBy(DatasetVersion, { id });
        if (version === null) throw new Failure('NOT_FOUND', 'no such dataset version');
        const task = version.taskId === null ? null : await this.parts.tasks.find(tx, version.taskId);
        return { version, phase: task?.phase ?? null, fraction: task?.fraction ?? 0 };
      });
    const follower = new Follower(this.parts.messaging, [subject.state(ctx.tenantId, id)], POLL_MS);
    try {
      let last = await read();
      yield last;
      while (!isSettled(last.version)) {
        await follower.next();
        last = yield* changed(last, await read());
      }
    } finally {
      follower.stop();
    }
  }
}

export interface DatasetProgress {
  readonly version: DatasetVersion;
  readonly phase: Phase | null;
  readonly fraction: number;
}

const isSettled = (version: DatasetVersion): boolean =>
  ['SEALED', 'REJECTED', 'DELETED'].includes(version.state);

function* changed(
  before: DatasetProgress,
  now: DatasetProgress,
): Generator<DatasetProgress, DatasetProgress> {
  const same =
    before.version.state === now.version.state &&
    before.phase === now.phase &&
    before.fraction === now.fraction;
  if (!same) yield now;
  return now;
}
