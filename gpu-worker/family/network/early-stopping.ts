import type { Weights } from '../../../onnx';

export interface StoppingState {
  /** Weights of the best epoch, one set a member; undefined where none was judged. */
  readonly kept: readonly Weights[] | undefined;
  readonly lowest: number | null;
  /** Epochs since then. */
  readonly since: number;
}

/** Remembers the weights with the lowest validation loss; patience 0 never stops and remembers nothing. */
export class EarlyStopping {
  constructor(
    private readonly patience: number,
    private now: StoppingState = { kept: undefined, lowest: null, since: 0 },
  ) {}

  get exhausted(): boolean {
    return this.patience > 0 && this.now.since >= this.patience;
  }

  get state(): StoppingState {
    return this.now;
  }

  consider(loss: number | null, weights: () => readonly Weights[]): void {
    if (this.patience === 0 || loss === null) return;
    this.now =
      this.now.lowest === null || loss < this.now.lowest
        ? { kept: weights(), lowest: loss, since: 0 }
        : { ...this.now, since: this.now.since + 1 };
  }
}
