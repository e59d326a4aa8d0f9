/** What running tasks save so that the next attempt goes on from there. */
import { MOST_CHECKPOINT_BYTES } from '../../../contracts';
import type { Sink, Source, StoredFile } from '../../../contracts';
import type { TenantTx } from '../database';
import type { ObjectCatalogue, SignedUrls } from '../object-store';
import type { Task } from './task';

const KIND = 'checkpoint';

/** Each checkpoint is a file of its own, written once; the newest counts. They go with the task. */
export class Checkpoints {
  constructor(
    private readonly catalogue: ObjectCatalogue,
    private readonly signedUrls: SignedUrls,
    private readonly ttlMs: number,
  ) {}

  /** At a grant: where the attempt before got to. Whatever an older token still sends is refused from now on. */
  async take(tx: TenantTx, task: Task): Promise<Source | null> {
    const newest = await this.newestAlone(tx, task);
    if (newest === null) return null;
    const { key, sha256, sizeBytes } = newest;
    return { url: this.signedUrls.get(key, this.ttlMs), sha256, sizeBytes };
  }

  async make(tx: TenantTx, task: Task): Promise<Sink> {
    await this.newestAlone(tx, task);
    const key = await this.catalogue.mint(tx, task.tenantId, KIND, { ttlMs: this.ttlMs, taskId: task.id });
    return {
      key,
      url: this.signedUrls.put(key, { maxBytes: MOST_CHECKPOINT_BYTES, ttlMs: this.ttlMs, purpose: 'sink' }),
    };
  }

  /** Lets all but the newest go. */
  private async newestAlone(tx: TenantTx, task: Task): Promise<StoredFile | null> {
    const newest = await this.catalogue.newestOf(tx, task.id, KIND);
    await this.catalogue.doomOthers(tx, task.id, KIND, newest?.key ?? null);
    return newest;
  }
}
