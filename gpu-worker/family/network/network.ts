/**
 * What a neural family says about its model; `trainNetwork` does the rest: epochs, validation, early stopping,
 * schedules, ensembles, checkpoints. The same `forward` makes the training graph, the validation and the served file.
 */
import { GraphError } from '../../../onnx';
import type { Column, Parameters, Resident, Value, Weights } from '../../../onnx';
import { Failure } from '../../../contracts';

/** What a forward pass is built from, in training and in the served model alike. */
export interface Given<I extends string = string> {
  /** Parameters and buffers by name. */
  readonly weights: Readonly<Record<string, Value>>;
  /** Each input column as [rows, ...dims]; the number of rows is known in training only. */
  readonly batch: Readonly<Record<I, Value>>;
  /** Tensors that every example may read. */
  readonly resident: Readonly<Record<string, Value>>;
  /** Does nothing outside of training. */
  readonly dropout: (x: Value, rate: number) => Value;
  /** Only while training. */
  readonly training?: {
    /** Numbers drawn anew in every step, uniform in [0, 1): noise, augmentation. */
    readonly uniform: (dims: readonly number[]) => Value;
    /** Says what a buffer (running statistics) holds after this step. */
    readonly carry: (buffer: string, next: Value) => void;
  };
}

/** `I` names the columns that the forward pass reads, `T` those that only the loss does. */
export interface Network<I extends string = string, T extends string = string> {
  readonly parameters: Parameters;
  /** Carried from step to step without being trained. */
  readonly buffers?: Parameters;
  /** Start values of parameters and buffers: a pure function of the seed. */
  readonly initial: (seed: number) => Weights;
  /** One example: for a window out of a resident series, only the number where it starts. */
  readonly inputs: Readonly<Record<I, Column>>;
  readonly targets: Readonly<Record<T, Column>>;
  /** Fed whole, so at most `MOST_FED_BYTES` together. */
  readonly resident?: Readonly<Record<string, Resident>>;
  readonly forward: (given: Given<I>) => Value;
  /** A float32 scalar, a mean over the examples of the batch. */
  readonly loss: (outputs: Value, batch: Readonly<Record<I | T, Value>>) => Value;
  /** What judges and serving see of the outputs, [rows, ...]; left out: the outputs themselves. */
  readonly answer?: (outputs: Value) => Value;
  /** Parameters that l2 and weight decay pull to zero. */
  readonly decayed: readonly string[];
  /** Multiplications of a forward pass of one example; left out: one for each weight, as in dense layers. */
  readonly work?: number;
}

/** Examples by column, row-major: `columns[name]` holds `count` times the numbers of one example. */
export interface Rows<C extends string = string> {
  readonly count: number;
  readonly columns: Readonly<Record<C, ColumnData>>;
}
export type ColumnData = Float32Array | Int32Array | Uint8Array;

export interface NetworkData<C extends string = string> {
  readonly training: Rows<C>;
  /** May be empty. */
  readonly validation: Rows<C>;
  readonly resident?: Readonly<
    Record<string, { readonly data: ColumnData; readonly dims: readonly number[] }>
  >;
  /** Figures of the history from the answers; left out: the history holds the loss alone. */
  readonly tally?: (part: 'training' | 'validation') => Tally;
}

/** Running figures over the examples of one epoch. */
export interface Tally {
  /** `answers` of the examples numbered `examples`, row-major and in that order. */
  add(answers: Float32Array, examples: Int32Array): void;
  /** `penalty` is added to the loss, as it is in what was minimised. Undefined when no example has a loss. */
  scores(penalty: number): Scores | undefined;
}

export interface Scores {
  /** Mean of what was minimised. */
  readonly loss: number;
  readonly mae?: number;
  readonly mse?: number;
  readonly accuracy?: number;
}

/** Parameters and buffers. */
export const weightShapes = ({
  parameters,
  buffers,
}: Pick<Network, 'parameters' | 'buffers'>): Parameters => ({
  ...parameters,
  ...buffers,
});

/** What weights or a batch hold under a name. */
export const named = <T>(values: Readonly<Record<string, T>>, name: string): T => {
  const value = values[name];
  if (value === undefined) throw new Error(`the network has no ${name}`);
  return value;
};

/** The layer at `path` of a spec. Throws BAD_SPEC that names the layer where shapes do not fit. */
export const inLayer = <T>(layer: string, path: readonly (string | number)[], build: () => T): T => {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new Failure('BAD_SPEC', `layer ${layer}: ${error.message}`, {
      path: ['spec', ...path],
      cause: error,
    });
  }
};
