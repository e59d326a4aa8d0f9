/**
 * A sealed file as a function that can be asked «what if»: every input column may take its values from other rows of the
 * table than its neighbours do. Explanations made this way are about what is served, whatever the family.
 */
import type { Column, Table } from '../../data/table';
import { asFloat32, openSession } from '../../engine/onnxruntime';
import type { Feeds, Session } from '../../engine/onnxruntime';
import { blockRows, rawFeeds } from '../../prepare/matrix';
import { windowBlockRows, windowFeeds } from '../../prepare/window';
import type { RowOrder } from '../../prepare/window';

type Tensor = Feeds[string];

/** Where the answers to a file's questions come from. */
export interface Asked {
  readonly onnx: Uint8Array;
  readonly table: Table;
  /** Which rows follow each other, for a file that reads windows of them. */
  readonly order?: RowOrder;
  /** 0 where the answer is a number. */
  readonly classes: number;
  readonly signal: AbortSignal;
}

export class SealedFile {
  readonly inputs: readonly string[];
  /** Numbers a row: one, or the probabilities of all classes. */
  readonly width: number;
  private readonly output: string;
  private readonly blockRows: number;
  /** Tensors of rows that are asked about again and again, block by block. */
  private readonly made = new WeakMap<Int32Array, Map<string, Tensor>>();

  private constructor(
    private readonly session: Session,
    private readonly asked: Asked,
  ) {
    this.inputs = session.inputNames;
    this.width = Math.max(1, asked.classes);
    this.output = asked.classes > 0 ? 'probabilities' : 'prediction';
    const columns = this.inputs.map((name) => this.column(name)).filter((column) => column !== undefined);
    const longest = Math.max(...this.inputs.map((name) => this.window(name)));
    this.blockRows = Math.min(windowBlockRows(longest), blockRows(columns));
  }

  /** Must be closed. */
  static async open(asked: Asked): Promise<SealedFile> {
    return new SealedFile(await openSession(asked.onnx), asked);
  }

  /** Undefined for a picture, which has no value to group or to draw a curve by. */
  column(name: string): Column | undefined {
    return this.asked.table.columns.find(({ spec }) => spec.name === name);
  }

  /** Rows that the file reads of a column to answer one: 1 where it reads no windows. */
  window(name: string): number {
    return this.asked.order === undefined ? 1 : (this.session.cells?.get(name) ?? 1);
  }

  /** What the file reads to answer one row: cells of windows, pixels, and letters by the four. */
  cells(): number {
    const of = (name: string): number => {
      const image = this.asked.table.images?.find(({ spec }) => spec.name === name);
      if (image !== undefined) return image.size.height * image.size.width * image.size.channels;
      const column = this.column(name);
      return column?.kind === 'text' ? meanLength(column) / 4 : this.window(name);
    };
    return this.inputs.reduce((sum, name) => sum + of(name), 0);
  }

  /**
   * `source(name)[i]`: the table row that the i-th question takes this column (its window, its picture) from. Row-major
   * [count, width].
   */
  async answers(count: number, source: (name: string) => Int32Array): Promise<Float32Array> {
    const answers = new Float32Array(count * this.width);
    const sources = this.inputs.map((name) => ({ name, rows: source(name) }));
    for (let from = 0; from < count; from += this.blockRows) {
      this.asked.signal.throwIfAborted();
      const to = Math.min(count, from + this.blockRows);
      const feeds = sources.map(({ name, rows }) => [name, this.tensor(name, rows, from, to)]);
      const answer = await this.session.run(Object.fromEntries(feeds) as Feeds, [this.output]);
      answers.set(asFloat32(answer[this.output]), from * this.width);
      await new Promise(setImmediate);
    }
    return answers;
  }

  private tensor(name: string, rows: Int32Array, from: number, to: number): Tensor {
    const known = this.made.get(rows) ?? new Map<string, Tensor>();
    const key = `${from} ${name}`;
    const tensor = known.get(key) ?? this.feed(name, rows.subarray(from, to));
    this.made.set(rows, known.set(key, tensor));
    return tensor;
  }

  private feed(name: string, rows: Int32Array): Tensor {
    const { table, order } = this.asked;
    const window = this.window(name);
    return order === undefined || window === 1
      ? rawFeeds(table, [name], rows)[name]
      : windowFeeds(table, [{ name, window }], order, rows)[name];
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

const meanLength = ({ codes, dictionary }: Extract<Column, { kind: 'category' | 'text' }>): number =>
  codes.reduce((sum, code) => sum + (code < 0 ? 0 : dictionary[code].length), 0) / Math.max(codes.length, 1);
