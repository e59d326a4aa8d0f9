import type { Weights } from '../../../onnx';

/** Remembers the weights with the lowest validation loss; patience 0 never stops and remembers nothing. */
export class EarlyStopping {
  private best: readonly Weights[] | undefined;
  private lowest = Infinity;
  private since = 0;

  constructor(private readonly patience: number) {}

  get exhausted(): boolean {
    return this.patience > 0 && this.since >= this.patience;
  }

  /** Weights of the best epoch, one set a member; undefined where none was judged. */
  get kept(): readonly Weights[] | undefined {
    return this.best;
  }

  consider(loss: number | null, weights: () => readonly Weights[]): void {
    if (this.patience === 0 || loss === null) return;
    this.since++;
    if (loss >= this.lowest) return;
    this.lowest = loss;
    this.since = 0;
    this.best = weights();
  }
}
