import { MOST_CHECKPOINT_BYTES } from '../../contracts';
import type { Sink } from '../../contracts';

/** Saving costs a copy of the state and an upload beside the training. */
const EVERY_MS = 5000;

export interface CheckpointWay {
  /** Where to store the next one; null: not now. */
  readonly sink: () => Promise<Sink | null>;
  readonly store: (sink: Sink, bytes: Uint8Array) => Promise<unknown>;
}

/** Saves what is offered, one at a time and not too often. A checkpoint that cannot be stored costs nothing but itself. */
export class CheckpointSaver {
  private askedAtMs: number;
  private saving: Promise<void> | null = null;

  constructor(
    private readonly way: CheckpointWay,
    private readonly everyMs: number = EVERY_MS,
  ) {
    this.askedAtMs = performance.now();
  }

  offer(state: () => Uint8Array): void {
    if (this.saving !== null || performance.now() - this.askedAtMs < this.everyMs) return;
    this.askedAtMs = performance.now();
    const bytes = state();
    if (bytes.byteLength > MOST_CHECKPOINT_BYTES) return;
    this.saving = this.save(bytes)
      .catch(() => undefined)
      .finally(() => {
        this.saving = null;
      });
  }

  private async save(bytes: Uint8Array): Promise<void> {
    const sink = await this.way.sink();
    if (sink !== null) await this.way.store(sink, bytes);
  }
}
