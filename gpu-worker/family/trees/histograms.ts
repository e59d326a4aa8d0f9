/** The histograms of the leaves that may still be divided. */
import type { Workspace } from './workspace';
import type { Packed } from './statistics';
import { HISTOGRAM_BYTES } from './kernel/histogram';

/** Additions that are worth waking other threads for. */
const SHARED_WORK = 200_000;
const LEAST_CHUNK_ROWS = 2_048;

/** Anything with rows and, perhaps, a histogram. */
interface Holder {
  /** Places in the list of rows. */
  readonly start: number;
  readonly end: number;
  /** Which histogram; -1: none. */
  slot: number;
}

export class Histograms {
  private free: number[] = [];
  private words: readonly number[] = [];
  private round = 0;

  constructor(
    private readonly work: Workspace,
    private readonly shift: number,
  ) {}

  /** For a new tree that looks at these features. */
  begin(features: readonly number[]): void {
    const { at, sizes } = this.work;
    this.free = Array.from({ length: sizes.leaves + 1 }, (_, slot) => slot).reverse();
    // The first word is always there: `total` reads it.
    this.words = [...new Set([0, ...features.map((feature) => feature >> 3)])].sort((a, b) => a - b);
    this.work.int32(at.words, this.words.length).set(this.words);
  }

  fill(holder: Holder): void {
    const { kernel, at, histogramBytes, stride, features } = this.work;
    const { start, end } = holder;
    const count = end - start;
    holder.slot = this.take();
    const histogram = this.address(holder);
    kernel.call.fill(histogram, 0, histogramBytes);
    const shared = kernel.threads > 1 && count * this.words.length * 8 >= SHARED_WORK;
    const chunkRows = shared ? Math.max(LEAST_CHUNK_ROWS, Math.ceil(count / (8 * kernel.threads))) : count;
    this.round++;
    kernel.run('histogram', Math.ceil(count / chunkRows), {
      rows: at.rows + 4 * start,
      count,
      chunkRows,
      table: at.table,
      stride,
      shift: this.shift,
      words: at.words,
      wordCount: this.words.length,
      features,
      histogram,
      others: at.others,
      bytes: histogramBytes,
      lastRound: at.lastRound,
      round: this.round,
    });
    if (!shared) return;
    for (let thread = 1; thread < kernel.threads; thread++)
      if (kernel.words[at.lastRound / 4 + thread] === this.round)
        kernel.call.add(histogram, at.others + (thread - 1) * histogramBytes, histogramBytes);
  }

  /** What a parent has and `sibling` has not: the parent's histogram changes hands. */
  inherit(holder: Holder, parent: Holder, sibling: Holder): void {
    holder.slot = parent.slot;
    parent.slot = -1;
    this.work.kernel.call.subtract(this.address(holder), this.address(sibling), this.work.histogramBytes);
  }

  release(holder: Holder): void {
    if (holder.slot >= 0) this.free.push(holder.slot);
    holder.slot = -1;
  }

  address({ slot }: Holder, feature = 0): number {
    return this.work.at.histograms + slot * this.work.histogramBytes + feature * HISTOGRAM_BYTES;
  }

  /** Sums over the bins of a feature that `counts` says yes to. */
  sums(holder: Holder, feature: number, counts: (bin: number) => boolean): Packed {
    const { longs } = this.work.kernel;
    const at = this.address(holder, feature) / 8;
    let gradients = 0n;
    let hessians = 0n;
    for (let bin = 0; bin < 256; bin++) {
      if (!counts(bin)) continue;
      gradients += longs[at + 2 * bin] ?? 0n;
      hessians += longs[at + 2 * bin + 1] ?? 0n;
    }
    return { gradients, hessians };
  }

  /** Sums over all rows: every row is in one bin of the first feature. */
  total(holder: Holder): Packed {
    return this.sums(holder, 0, () => true);
  }

  /** Whether any row of a bin is there. */
  holds(holder: Holder, feature: number, bin: number): boolean {
    const { words } = this.work.kernel;
    const at = (this.address(holder, feature) + 16 * bin + 8) / 4;
    return words[at] !== 0 || words[at + 1] !== 0;
  }

  private take(): number {
    const slot = this.free.pop();
    if (slot === undefined) throw new Error('no histogram is free');
    return slot;
  }
}
