/**
 * Histogram gradient boosting (Friedman 2001; Chen and Guestrin 2016; Ke et al. 2017). The same data, options and seed
 * give the same forest on any number of threads, whether or not the training was interrupted.
 */
import { fitBins } from './binning';
import type { FeatureBins } from './binning';
import type { Forest, Tree } from './forest';
import type { GrowingTree } from './growing-tree';
import { writeRoute } from './growing-tree';
import { Grower } from './grow';
import type { GrownLeaf } from './grow';
import type { Examples, ForestOptions } from './learning';
import { lossOf, meanLoss, weightedQuantile } from './objective';
import type { Loss, Scored } from './objective';
import type { PartialForest } from './partial';
import { Pause } from './pause';
import { sampleFeatures, sampleRows } from './sampling';
import type { RowSample } from './sampling';
import { CHUNK_ROWS, Workspace } from './workspace';

export interface Round {
  readonly round: number;
  /** Mean loss on the training rows; measured at the end of a block of rounds only. */
  readonly loss: number | null;
  readonly validationLoss: number | null;
}

export interface ForestControl {
  readonly signal: AbortSignal;
  /** Threads in all. They do not change the result. */
  readonly threads: number;
  /** Where an interrupted training goes on. */
  readonly partial?: PartialForest;
  /** After every block of rounds. `state` is a snapshot that `partial` takes. */
  readonly onBlock?: (rounds: readonly Round[], state: () => PartialForest) => void;
  /** Asked after every block: true ends the training with what is there. */
  readonly enough?: () => boolean;
}

export interface TrainedForest {
  /** Up to the best round, where validation rows decide. */
  readonly forest: Forest;
  readonly history: readonly Round[];
}

/** The round, counted from 1, with the least validation loss; 0 where there is none. */
export const bestRound = (history: readonly Round[]): number => {
  let best = 0;
  let least = Infinity;
  history.forEach(({ validationLoss }, index) => {
    if (validationLoss === null || !(validationLoss < least)) return;
    least = validationLoss;
    best = index + 1;
  });
  return best;
};

/** The forest as it was after `rounds` rounds, or after the best of them where validation rows tell. */
export const grownUntil = ({ forest, history }: TrainedForest, rounds: number): Forest => {
  const kept = bestRound(history.slice(0, rounds)) || rounds;
  return { ...forest, trees: forest.trees.slice(0, kept * forest.base.length) };
};

const ROUNDS_A_BLOCK = 10;
/** Cells below which a second thread costs more than it brings. */
const SHARED_CELLS = 100_000;

export const trainForest = async (
  training: Examples,
  validation: Examples | undefined,
  options: ForestOptions,
  control: ForestControl,
): Promise<TrainedForest> => {
  control.signal.throwIfAborted();
  const pause = new Pause(control.signal);
  const bins: FeatureBins[] = [];
  for (const feature of training.features) {
    bins.push(fitBins(feature, training.rows, options.bins, options.seed));
    if (pause.due()) await pause.take();
  }
  const loss = lossOf(options.objective);
  const work = new Workspace(bins, {
    rows: training.rows,
    validationRows: validation?.rows ?? 0,
    outputs: loss.outputs,
    leaves: Math.max(1, Math.min(options.leaves, Math.floor(training.rows / Math.max(1, options.leastRows)))),
    threads: training.rows * bins.length < SHARED_CELLS ? 1 : control.threads,
  });
  try {
    for (const [index, feature] of training.features.entries()) {
      work.bin(index, feature);
      const other = validation?.features[index];
      if (other !== undefined) work.binValidation(index, other);
      if (pause.due()) await pause.take();
    }
    return await new Boosting(work, loss, training, validation, options, control, pause).run();
  } finally {
    await work.kernel.close();
  }
};

class Boosting {
  private readonly base: readonly number[];
  private readonly trees: Tree[];
  private readonly history: Round[];
  private readonly training: Scored;
  private readonly validation: Scored | undefined;
  private readonly usable: readonly number[];
  private readonly grower: Grower;

  constructor(
    private readonly work: Workspace,
    private readonly loss: Loss,
    training: Examples,
    validation: Examples | undefined,
    private readonly options: ForestOptions,
    private readonly control: ForestControl,
    private readonly pause: Pause,
  ) {
    this.base = loss.base(training.targets, training.weights);
    this.trees = [...(control.partial?.trees ?? [])];
    this.history = [...(control.partial?.history ?? [])];
    const outputs = Array.from({ length: loss.outputs }, (_, output) => output);
    this.training = { ...training, scores: outputs.map((output) => work.scores(output)) };
    if (validation !== undefined && validation.rows > 0)
      this.validation = { ...validation, scores: outputs.map((output) => work.validationScores(output)) };
    // A feature with the same value everywhere, or none, divides nothing.
    this.usable = work.bins.flatMap(({ count }, feature) => (count === 0 ? [] : [feature]));
    this.grower = new Grower(work, options, pause);
  }

  async run(): Promise<TrainedForest> {
    const { options, control, history } = this;
    await this.replay();
    let reported = history.length;
    while (history.length < options.rounds && !this.isOver()) {
      const round = history.length;
      await this.addRound(round);
      const validationLoss = this.validation === undefined ? null : meanLoss(this.loss, this.validation);
      history.push({ round: round + 1, loss: null, validationLoss });
      if ((round + 1) % ROUNDS_A_BLOCK !== 0 && round + 1 < options.rounds && !this.isOver()) continue;
      history[round] = { round: round + 1, loss: meanLoss(this.loss, this.training), validationLoss };
      control.onBlock?.(history.slice(reported), () => ({ trees: [...this.trees], history: [...history] }));
      reported = history.length;
      await this.pause.take();
      if (control.enough?.() === true) break;
    }
    const rounds =
      this.validation !== undefined && options.patience > 0 ? bestRound(history) : history.length;
    return {
      forest: {
        features: this.work.features,
        base: this.base,
        trees: this.trees.slice(0, rounds * this.loss.outputs),
      },
      history,
    };
  }

  /** Scores as they were when the partial forest was saved: the same additions in the same order. */
  private async replay(): Promise<void> {
    for (const scored of [this.training, this.validation])
      scored?.scores.forEach((scores, output) => scores.fill(this.base[output] ?? 0));
    for (const [index, tree] of this.trees.entries()) {
      const output = index % this.loss.outputs;
      const root = writeRoute(this.work, tree);
      this.work.rows.set(this.work.everyRow.subarray(0, this.work.rows.length));
      this.route(root, output, 0);
      this.routeValidation(root, output);
      if (this.pause.due()) await this.pause.take();
    }
  }

  /** Whether the validation loss has not become better for as long as patience lasts. */
  private isOver(): boolean {
    const { patience } = this.options;
    return (
      this.validation !== undefined &&
      patience > 0 &&
      this.history.length - bestRound(this.history) >= patience
    );
  }

  private async addRound(round: number): Promise<void> {
    const { work, loss, options, training } = this;
    loss.beginRound(training);
    const sample = sampleRows(
      options.rowSampling,
      work.rows,
      work.everyRow,
      () => this.gradientSizes(),
      options.seed,
      round,
    );
    for (let output = 0; output < loss.outputs; output++) {
      // Growing a tree changes the order of the sampled rows among themselves only.
      this.derivatives(output, sample);
      const number = round * loss.outputs + output;
      const features = sampleFeatures(this.usable, options.columnFraction, options.seed, number);
      const { tree, leaves } = await this.grower.grow(sample.count, features);
      this.setValues(tree, leaves, output);
      this.trees.push(tree.plain());
      this.addLeaves(tree, leaves, output);
      if (sample.count === work.sizes.rows && this.validation === undefined) continue;
      const root = writeRoute(work, tree);
      this.route(root, output, sample.count);
      this.routeValidation(root, output);
    }
  }

  private derivatives(output: number, { factors }: RowSample): void {
    const { gradients, hessians } = this.work;
    const { weights } = this.training;
    this.loss.derivatives(output, this.training, gradients, hessians);
    for (const factor of [weights, factors]) {
      if (factor === undefined) continue;
      for (let row = 0; row < gradients.length; row++) {
        gradients[row] *= factor[row];
        hessians[row] *= factor[row];
      }
    }
  }

  /** Absolute gradients of each row, all outputs together. */
  private gradientSizes(): Float64Array {
    const { gradients } = this.work;
    const sizes = new Float64Array(gradients.length);
    for (let output = 0; output < this.loss.outputs; output++) {
      this.derivatives(output, { count: gradients.length });
      for (let row = 0; row < sizes.length; row++) sizes[row] += Math.abs(gradients[row]);
    }
    return sizes;
  }

  /** What the leaves answer in the end: scaled by the learning rate, in float32 as they are served. */
  private setValues(tree: GrowingTree, leaves: readonly GrownLeaf[], output: number): void {
    for (const leaf of leaves) {
      const step = this.loss.renewal === undefined ? tree.value[leaf.node] : this.renewed(leaf, output);
      tree.value[leaf.node] = Math.fround(this.options.learningRate * (step ?? 0));
    }
  }

  /** The quantile of what the leaf's rows are away from their scores, within the leaf's bounds. */
  private renewed({ start, end, bounds }: GrownLeaf, output: number): number {
    const { targets, weights, scores } = this.training;
    const rows = this.work.rows.subarray(start, end);
    const residuals = Float64Array.from(rows, (row) => targets[row] - scores[output][row]);
    const own = weights && Float64Array.from(rows, (row) => weights[row]);
    const value = weightedQuantile(residuals, own, this.loss.renewal ?? 0.5);
    return Math.min(bounds.high, Math.max(bounds.low, value));
  }

  private addLeaves(tree: GrowingTree, leaves: readonly GrownLeaf[], output: number): void {
    const { work } = this;
    const { at, kernel } = work;
    work.int32(at.leafStarts, leaves.length).set(leaves.map(({ start }) => start));
    work.int32(at.leafEnds, leaves.length).set(leaves.map(({ end }) => end));
    work.float64(at.leafValues, leaves.length).set(leaves.map(({ node }) => tree.value[node]));
    kernel.run('addLeaves', leaves.length, {
      rows: at.rows,
      starts: at.leafStarts,
      ends: at.leafEnds,
      values: at.leafValues,
      scores: work.scores(output).byteOffset,
    });
  }

  /** Rows of the list from place `from` on. */
  private route(root: number, output: number, from: number): void {
    const { at, sizes } = this.work;
    this.send(root, {
      rows: at.rows + 4 * from,
      count: sizes.rows - from,
      columns: at.columns,
      columnBytes: sizes.rows,
      scores: this.work.scores(output).byteOffset,
    });
  }

  private routeValidation(root: number, output: number): void {
    const { at, sizes } = this.work;
    this.send(root, {
      rows: at.everyRow,
      count: sizes.validationRows,
      columns: at.validationColumns,
      columnBytes: sizes.validationRows,
      scores: this.work.validationScores(output).byteOffset,
    });
  }

  private send(
    root: number,
    to: { rows: number; count: number; columns: number; columnBytes: number; scores: number },
  ): void {
    const { kernel, at } = this.work;
    kernel.run('route', Math.ceil(to.count / CHUNK_ROWS), {
      ...to,
      chunkRows: CHUNK_ROWS,
      nodes: at.route,
      root,
      values: at.leafValues,
    });
  }
}
