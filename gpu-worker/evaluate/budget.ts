/** How much work a report may be. */
import type { EvaluationReport } from '../../contracts';

/** Answers to «what if» questions by section, for a file of at most `FULL_BYTES`. */
const QUESTIONS = { importance: 40_000, shapley: 30_000, partialDependence: 10_000 };
/** A larger file is asked fewer questions, in proportion: the size stands for the time that an answer takes. */
const FULL_BYTES = 2 ** 20;
/** The same for questions of many cells (columns, pixels) and answers of many probabilities. */
const FULL_CELLS = 64;
const FULL_WIDTH = 64;
const LEAST_SHARE = 0.02;
/** However slow a model turns out to be, sections that have not begun by then are left out. */
const LIMIT_MS = 20_000;
/** Where the training's own time is shorter than this, a report asks fewer questions in proportion. */
const FULL_MS = 5000;

/**
 * Counts of rows and repeats follow from the table's and the file's size, so that a report does not depend on the machine,
 * unless the training's own time is short; the clock is a last resort against models whose size says little about theirs.
 */
export class Budget {
  private readonly share: number;
  private readonly started = performance.now();

  /** `bytes`: of the file; `cells`: of a row; `width`: numbers in an answer; `leftMs`: for the report. */
  constructor(
    {
      bytes,
      cells = 1,
      width = 1,
      leftMs = Infinity,
    }: { bytes: number; cells?: number; width?: number; leftMs?: number },
    private readonly limitMs = LIMIT_MS,
  ) {
    const within = (full: number, size: number): number => Math.min(1, full / size);
    this.share = Math.max(
      LEAST_SHARE,
      within(FULL_BYTES, bytes) *
        within(FULL_CELLS, cells) *
        within(FULL_WIDTH, width) *
        Math.min(1, Math.max(0, leftMs) / FULL_MS),
    );
  }

  /** How many rows a section may ask about when each of them costs `each` questions, within [least, most]. */
  rows(
    section: keyof typeof QUESTIONS,
    each: number,
    { least, most }: { least: number; most: number },
  ): number {
    const affordable = Math.floor((QUESTIONS[section] * this.share) / Math.max(each, 1));
    return Math.max(least, Math.min(most, affordable));
  }

  /** Why nothing more may begin; undefined as long as something may. */
  spent(): string | undefined {
    return performance.now() - this.started > this.limitMs
      ? `the report had taken ${this.limitMs / 1000} seconds already`
      : undefined;
  }
}

type LeftOut = EvaluationReport['leftOut'];

/** Parts that a model can be without: each is left out, and named, when the training's time is over before it is done. */
export class Sections {
  readonly leftOut: LeftOut = [];
  /** For the work of a part: aborted when the time is over, and when the task is. */
  readonly signal: AbortSignal;
  private readonly endMs: number;

  /** `limitMs`: from now on, for all of them; Infinity: no limit. */
  constructor(
    private readonly canceled: AbortSignal,
    limitMs = Infinity,
  ) {
    this.endMs = performance.now() + limitMs;
    this.signal = Number.isFinite(limitMs)
      ? AbortSignal.any([canceled, AbortSignal.timeout(Math.max(0, Math.floor(limitMs)))])
      : canceled;
  }

  leftMs(): number {
    return this.endMs - performance.now();
  }

  async make<T>(section: string, work: () => Promise<T>): Promise<T | null> {
    if (this.leftMs() > 0)
      try {
        return await work();
      } catch (error) {
        if (!this.signal.aborted) throw error;
      }
    this.canceled.throwIfAborted();
    this.leftOut.push({ section, why: "the training's time was over" });
    return null;
  }
}
