import type { DatasetVersionId, ProfilePayload, ProfileResult } from '../../contracts';
import { Failure } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { ObjectCatalogue, SignedUrls } from '../platform/object-store';
import type { Task, TaskHandler } from '../platform/task';
import type { Sealing } from './sealing';

export interface FileLimits {
  /** How long a task's URLs and unretained files live: a task's time limit and some. */
  readonly ttlMs: number;
  /** The largest file that a task may write. */
  readonly maxSealedBytes: number;
}

/** An uploaded file is validated, profiled and sealed by a worker. */
export const profileTask = (
  sealing: Sealing,
  catalogue: ObjectCatalogue,
  signedUrls: SignedUrls,
  limits: FileLimits,
): TaskHandler<'profile'> => {
  const versionOf = (tx: TenantTx, task: Task) => sealing.lock(tx, task.ownerId as DatasetVersionId);
  return {
    kind: 'profile',

    async payload(tx, task): Promise<ProfilePayload> {
      const version = await versionOf(tx, task);
      const { rawKey, format } = version;
      if (rawKey === null || format === null || !['UPLOADED', 'VALIDATING'].includes(version.state)) {
        throw new Failure('STATE_CONFLICT', `the dataset version is ${version.state}`);
      }
      const dataset = await sealing.dataset(tx, version);
      const key = await catalogue.mint(tx, task.tenantId, 'sealed', { ttlMs: limits.ttlMs, taskId: task.id });
      return {
        kind: 'profile',
        datasetVersionId: version.id,
        source: {
          url: signedUrls.get(rawKey, limits.ttlMs),
          sha256: version.rawSha256,
          sizeBytes: version.rawBytes,
        },
        format,
        target: version.target,
        task: version.task,
        holdout: dataset.holdout,
        holdoutFraction: version.holdoutFraction,
        ...(version.holdoutGroup !== null && { holdoutGroup: version.holdoutGroup }),
        salt: dataset.salt,
        sealed: {
          key,
          url: signedUrls.put(key, {
            maxBytes: limits.maxSealedBytes,
            ttlMs: limits.ttlMs,
            purpose: 'sink',
          }),
        },
      };
    },

    async started(tx, task): Promise<void> {
      const version = await versionOf(tx, task);
      if (version.state === 'UPLOADED') await sealing.move(tx, version, 'VALIDATING');
    },

    async progress(tx, task): Promise<void> {
      sealing.announce(tx, task.tenantId, task.ownerId);
    },

    async finished(tx, task, result: ProfileResult): Promise<void> {
      await sealing.seal(tx, await versionOf(tx, task), task.id, result);
    },

    async failed(tx, task, failure): Promise<void> {
      const version = await versionOf(tx, task);
      if (version.state === 'DELETED') return;
      await sealing.reject(tx, version, failure);
    },

    /** Only a deletion cancels a profile task, and it has ended the version already. */
    async canceled(tx, task): Promise<void> {
      await catalogue.doomLeftovers(tx, task.id);
    },
  };
};
