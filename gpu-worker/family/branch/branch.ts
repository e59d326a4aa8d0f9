/** A part of a network with inputs of its own: pictures, prepared columns, windows of a series. */
import type { Column, Parameters, Value, Weights } from '../../../onnx';
import type { ModelSignature } from '../../../contracts';
import type { ColumnData, Given } from '../network/network';

export interface Branch {
  /** First part of the names of its weights and batch columns. */
  readonly name: string;
  /** The typed columns that it is made of. */
  readonly reads: ModelSignature['inputs'];
  readonly parameters: Parameters;
  readonly buffers: Parameters;
  readonly decayed: readonly string[];
  readonly initial: (seed: number) => Weights;
  /** Columns of the batch. */
  readonly inputs: Readonly<Record<string, Column>>;
  /** Multiplications of one example. */
  readonly work: number;
  /** Features that `forward` gives, [rows, width]. */
  readonly width: number;
  readonly forward: (given: Given) => Value;
  /** The columns of the batch for some rows of the table. */
  readonly data: (rows: Int32Array) => Promise<Readonly<Record<string, ColumnData>>>;
  /** The same out of typed columns, in the served file. */
  readonly served: (columns: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>;
}
