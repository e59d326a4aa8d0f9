/** What every family hands back: a predictor as a graph from typed columns. */
import type { ConcreteSpec, Epoch, ModelSignature, Shapley } from '../../contracts';
import { input, modelBytes } from '../../onnx';
import type { Value } from '../../onnx';
import { outputInBlocks } from '../engine/in-blocks';
import type { Table } from '../data/table';
import { ROWS, preparedFeatures, typedInputs } from '../prepare/graph';
import { matrixTensor, rawFeeds } from '../prepare/matrix';
import { signatureInputs } from '../prepare/preparation';
import type { Preparation } from '../prepare/preparation';
import type { TrainingData } from './data';
import type { GeneratedColumn } from './gan/columns';

/** How one answer differs from the mean answer. */
export interface ShapleyValues {
  /** Mean answer to the background rows. */
  readonly base: number;
  readonly output: number;
  /** One a player; base plus all of them is the output. */
  readonly values: Float64Array;
}

/** Which answers are to be shared among whom. */
export interface ToShare {
  /** Rows of the table, and the class whose score is explained of each; 0 where the answer is a number. */
  readonly rows: Int32Array;
  readonly labels: Int32Array;
  /** Rows of the table that stand for «not known». */
  readonly background: Int32Array;
  readonly players: number;
  /** Columns of the same player become known together. */
  readonly playerOf: (column: string) => number;
}

export interface ExactShapley {
  /** Of base, output and values. */
  readonly unit: NonNullable<Shapley['unit']>;
  /** One a row; undefined where they are too much work. */
  readonly values: (asked: ToShare, signal: AbortSignal) => Promise<ShapleyValues[] | undefined>;
}

export interface Parts {
  readonly count: number;
  /** In the plural, as a report calls them. */
  readonly name: string;
  /** The best model of the first `count` parts at most. */
  readonly first: (count: number) => Trained;
}

export interface Trained {
  readonly spec: ConcreteSpec;
  /** The typed columns that the graph reads, in the order of its inputs. */
  readonly inputs: ModelSignature['inputs'];
  /**
   * The served graph, weights as constants: typed columns by name -> [rows, width] float32. A regression gives the
   * standardised target [rows, 1], a classification probabilities [rows, classes]; for the other tasks see
   * export/sealed.ts.
   */
  readonly output: (columns: Readonly<Record<string, Value>>) => Value;
  /**
   * The trainer's own answers for rows of the table it learned from, [rows, width] row-major as `output` gives them,
   * made without the served graph wherever training had another one: verify compares the two.
   */
  readonly predict: (rows: Int32Array, signal: AbortSignal) => Promise<Float32Array>;
  /** Where the family knows them. */
  readonly shapley?: ExactShapley;
  readonly history: readonly Epoch[];
  /** Of a search: its trials in place of epochs, as the learning curve shows them. */
  readonly searched?: readonly Epoch[];
  /** What is sealed instead where there is no time to make a file of this one, and how long that takes. */
  readonly simpler?: { readonly trained: Trained; readonly seconds: number };
  /** Of a model that grew part by part: as it was earlier on, where there is no time to make a file of all of it. */
  readonly parts?: Parts;
  /** Of a generator: what `output` holds, decoded by family/gan/decode.ts. */
  readonly generated?: readonly GeneratedColumn[];
  /**
   * Set when the validation rows were learned from in the end: answers for rows that were not learned from, as `predict`
   * gives them, by models like this one (before that, or of other folds). Rows by number, each once.
   */
  readonly outOfSample?: { readonly rows: Int32Array; readonly outputs: Float32Array };
}

/** A model of prepared features: `output` maps [rows, width] float32 features as `Trained.output` says. */
export const onFeatures = (
  data: Pick<TrainingData, 'matrix'>,
  preparation: Preparation,
  model: Pick<Trained, 'spec' | 'history'> & { readonly output: (features: Value) => Value },
): Trained => ({
  spec: model.spec,
  history: model.history,
  inputs: signatureInputs(preparation),
  output: (columns) => model.output(preparedFeatures(preparation, columns)),
  predict: async (rows, signal) => {
    const matrix = await data.matrix(preparation, rows);
    const features = input('features', 'float32', [ROWS, matrix.width]);
    const output = model.output(features);
    return outputInBlocks(
      modelBytes({ name: 'trained', inputs: [features], outputs: { output } }),
      matrix.rows,
      (from, to) => ({ features: matrixTensor(matrix, from, to) }),
      signal,
    );
  },
});

/** What the served graph answers for rows of any table that has its columns, as `Trained.output` gives it. */
export const servedOutput = (
  { inputs, output }: Pick<Trained, 'inputs' | 'output'>,
  table: Table,
  rows: Int32Array,
  signal: AbortSignal,
): Promise<Float32Array> => {
  const typed = typedInputs(inputs);
  const model = modelBytes({
    name: 'served',
    inputs: Object.values(typed),
    outputs: { output: output(typed) },
  });
  const names = inputs.map(({ spec }) => spec.name);
  return outputInBlocks(
    model,
    rows.length,
    (from, to) => rawFeeds(table, names, rows.subarray(from, to)),
    signal,
  );
};
