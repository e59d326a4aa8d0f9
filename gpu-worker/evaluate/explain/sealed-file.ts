/**
 * A sealed file as a function that can be asked «what if»: every input column may take its values from other rows of the
 * table than its neighbours do. Explanations made this way are about what is served, whatever the family.
 */
import type { Column, Table } from '../../data/table';
import { asFloat32, openSession } from '../../engine/onnxruntime';
import type { Feeds, Session } from '../../engine/onnxruntime';
import { BLOCK_ROWS, rawFeeds } from '../../prepare/matrix';

export class SealedFile {
  private constructor(
    private readonly session: Session,
    private readonly table: Table,
    readonly inputs: readonly string[],
    private readonly output: string,
    /** Numbers a row: one, or the probabilities of all classes. */
    readonly width: number,
    private readonly signal: AbortSignal,
  ) {}

  /** Must be closed. `classes`: 0 where the answer is a number. */
  static async open(
    onnx: Uint8Array,
    table: Table,
    classes: number,
    signal: AbortSignal,
  ): Promise<SealedFile> {
    const session = await openSession(onnx);
    return classes > 0
      ? new SealedFile(session, table, session.inputNames, 'probabilities', classes, signal)
      : new SealedFile(session, table, session.inputNames, 'prediction', 1, signal);
  }

  /** Undefined for a picture, which has no value to group or to draw a curve by. */
  column(name: string): Column | undefined {
    return this.table.columns.find(({ spec }) => spec.name === name);
  }

  /** All inputs as they are in these rows: at most 4,096 of them. */
  feeds(rows: Int32Array): Feeds {
    return rawFeeds(this.table, this.inputs, rows);
  }

  feed(name: string, rows: Int32Array): Feeds[string] {
    return rawFeeds(this.table, [name], rows)[name];
  }

  /** Row-major [rows, width]. */
  async answer(feeds: Feeds): Promise<Float32Array> {
    this.signal.throwIfAborted();
    const answer = await this.session.run(feeds, [this.output]);
    await new Promise(setImmediate);
    return asFloat32(answer[this.output]);
  }

  /** `source(name)[i]`: the table row that the i-th question takes this column from. Row-major [count, width]. */
  async mixed(count: number, source: (name: string) => Int32Array): Promise<Float32Array> {
    const answers = new Float32Array(count * this.width);
    for (let from = 0; from < count; from += BLOCK_ROWS) {
      const feeds = Object.fromEntries(
        this.inputs.map((name) => [name, this.feed(name, source(name).subarray(from, from + BLOCK_ROWS))]),
      );
      answers.set(await this.answer(feeds), from * this.width);
    }
    return answers;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}
