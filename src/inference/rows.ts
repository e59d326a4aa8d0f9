/** Raw values by column name, as a partner sends them, to the typed columns that the model takes. */
import { Failure } from '../../contracts';
import type { FailureCode, ModelSignature, RawCell, RawValue } from '../../contracts';
import { LIMITS, parseCell } from '../../tabular';
import type { CellProblem } from '../../tabular';
import type { Batch } from './runner/lane';
import type { Column } from './runner/protocol';

export type RawRow = Readonly<Record<string, RawValue>>;
export type OnUnknownCategory = 'REJECT' | 'USE_OTHER';

export interface ParsedRows {
  readonly batch: Batch;
  /** The rows as they were asked, plain: for the log. */
  readonly rows: readonly RawRow[];
}

const MAX_ROWS = 1000;
/** Cells of windows and numbers of forecasts that one prediction may have, both together. */
const MAX_NUMBERS = 1_000_000;
/** A row and its answer, of some 500,000 characters at most, travel in one message. */
const MAX_ROW_CHARACTERS = 400_000;
/** No date: what the graph takes for a missing instant. A missing number is NaN, a missing text ''. */
const MISSING_TIME = -(2n ** 63n);
const SHOWN = 10;

const CODES: Record<CellProblem, FailureCode> = {
  'wrong-type': 'WRONG_TYPE',
  'not-finite': 'NOT_FINITE',
  'out-of-range': 'NUMBER_OUT_OF_RANGE',
};

interface Input {
  readonly name: string;
  readonly spec: ModelSignature['inputs'][number]['spec'];
  readonly known: ReadonlySet<string> | null;
  /** Cells that a row has of it, as an array; undefined for a single one. */
  readonly window: number | undefined;
}

/** Made once for a model version; `parse` is pure. */
export class RowParser {
  private readonly inputs: readonly Input[];
  private readonly names: ReadonlySet<string>;
  /** Rows that one prediction takes at most: fewer where each has much to read or to answer. */
  readonly mostRows: number;

  constructor(private readonly signature: ModelSignature) {
    this.inputs = signature.inputs.map(({ spec, known, window }) => ({
      name: spec.name,
      spec,
      window,
      known: known === null ? null : new Set(known),
    }));
    this.names = new Set(this.inputs.map((input) => input.name));
    const read = this.inputs.reduce((sum, { window = 0 }) => sum + window, 0);
    const { horizon = 0, targets = [], levels = [] } = signature;
    const answered = horizon * targets.length * (1 + levels.length);
    this.mostRows = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_NUMBERS / Math.max(1, read + answered))));
  }

  /** Fails with a code of its own for each kind of wrong input, with the path `rows`, row number, column. */
  parse(rows: readonly unknown[], onUnknownCategory: OnUnknownCategory): ParsedRows {
    if (rows.length === 0)
      throw new Failure('BAD_INPUT', 'a prediction needs a row at least', { path: ['rows'] });
    const { mostRows } = this;
    if (rows.length > mostRows)
      throw new Failure('TOO_MANY_ROWS', `a prediction takes ${mostRows} rows at most, got ${rows.length}`, {
        path: ['rows'],
        hint: 'split them over several requests',
      });
    const columns = this.inputs.map(({ spec, window = 1 }) => missingCells(spec.type, rows.length * window));
    const plain = rows.map((row, at) => this.parseRow(row, at, columns, onUnknownCategory));
    // No prototype: a column may be called __proto__.
    const byName = Object.create(null) as Record<string, Column>;
    this.inputs.forEach(({ name }, index) => {
      byName[name] = columns[index];
    });
    return { batch: { rows: rows.length, columns: byName }, rows: plain };
  }

  private parseRow(
    row: unknown,
    at: number,
    columns: readonly Column[],
    onUnknown: OnUnknownCategory,
  ): RawRow {
    if (row === null || typeof row !== 'object' || Array.isArray(row))
      throw new Failure('WRONG_TYPE', 'a row is an object of values by column name', { path: ['rows', at] });
    const given = new Map<string, unknown>(Object.entries(row));
    for (const name of given.keys()) if (!this.names.has(name)) this.refuseUnknown(name, at);
    const plain = Object.create(null) as Record<string, RawValue>;
    let characters = 0;
    this.inputs.forEach((input, index) => {
      const value = given.get(input.name);
      if (value === undefined)
        throw new Failure('MISSING_COLUMN', `the row lacks the column ${input.name}`, {
          path: ['rows', at, input.name],
          hint: `the model takes: ${this.list()}; send null where a value is not known`,
        });
      const path = ['rows', at, input.name];
      if (input.window === undefined) {
        const raw = rawOf(value, path, input);
        if (typeof raw === 'string') characters += raw.length;
        this.put(raw, path, input, columns[index], at, onUnknown);
        plain[input.name] = asCell(raw);
        return;
      }
      const cells = windowOf(value, path, input.window, input).map((cell, i) =>
        rawOf(cell, [...path, i], input),
      );
      const first = (at + 1) * input.window - cells.length;
      cells.forEach((raw, i) => {
        characters += String(raw).length + 1;
        this.put(raw, [...path, i], input, columns[index], first + i, onUnknown);
      });
      plain[input.name] = cells.map(asCell);
    });
    if (characters > MAX_ROW_CHARACTERS)
      throw new Failure('PAYLOAD_TOO_LARGE', `a row may have ${MAX_ROW_CHARACTERS} characters at most`, {
        path: ['rows', at],
      });
    return plain;
  }

  private put(
    raw: RawCell | boolean,
    path: Path,
    { name, spec, known }: Input,
    column: Column,
    at: number,
    onUnknown: OnUnknownCategory,
  ): void {
    const parsed = parseCell(spec, raw);
    if (!parsed.ok)
      throw new Failure(CODES[parsed.problem], `column ${name} takes ${parsed.expected}`, { path });
    const { value } = parsed;
    if (column instanceof Float64Array) column[at] = value === null ? NaN : Number(value);
    else if (column instanceof BigInt64Array) column[at] = value === null ? MISSING_TIME : BigInt(value);
    else {
      if (known !== null && value !== null && onUnknown === 'REJECT' && !known.has(String(value)))
        throw new Failure(
          'UNKNOWN_CATEGORY',
          `column ${name} has no such category in the data it was trained on`,
          {
            path,
            hint: `known: ${some([...known])}; or ask with onUnknownCategory: USE_OTHER`,
          },
        );
      column[at] = value === null ? '' : String(value);
    }
  }

  private refuseUnknown(name: string, at: number): never {
    const shown = name.slice(0, 100);
    const close = nearest(shown, [...this.names]);
    const hint =
      name === this.signature.target
        ? `${this.signature.target} is what the model predicts: leave it out`
        : `${close === null ? '' : `did you mean ${close}? `}the model takes: ${this.list()}`;
    throw new Failure('UNKNOWN_COLUMN', `the model has no column ${JSON.stringify(shown)}`, {
      path: ['rows', at, shown],
      hint,
    });
  }

  private list(): string {
    const names = [...this.names];
    return names.length > 50
      ? `${names.slice(0, 50).join(', ')}, ... (${names.length} in all)`
      : names.join(', ');
  }
}

const missingCells = (type: Input['spec']['type'], cells: number): Column => {
  if (type === 'number') return new Float64Array(cells).fill(NaN);
  if (type === 'time') return new BigInt64Array(cells).fill(MISSING_TIME);
  return new Array<string>(cells).fill('');
};

const asCell = (raw: RawCell | boolean): RawCell => (typeof raw === 'boolean' ? String(raw) : raw);

/** Oldest first; what it lacks are the oldest. */
const windowOf = (value: unknown, path: Path, window: number, { name }: Input): readonly unknown[] => {
  if (!Array.isArray(value))
    throw new Failure(
      'WRONG_TYPE',
      `column ${name} takes an array of its last ${window} values, oldest first`,
      {
        path,
        hint: 'null where a value is not known; a shorter array lacks the oldest',
      },
    );
  if (value.length > window)
    throw new Failure('WRONG_TYPE', `column ${name} takes ${window} values at most, got ${value.length}`, {
      path,
      hint: `send the last ${window}`,
    });
  return value as unknown[];
};

type Path = (string | number)[];

const rawOf = (value: unknown, path: Path, { name }: Input): RawCell | boolean => {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (Buffer.byteLength(value) > LIMITS.cellBytes)
      throw new Failure('CELL_TOO_LARGE', `a value may have ${LIMITS.cellBytes} bytes at most`, { path });
    return value;
  }
  throw new Failure('WRONG_TYPE', `column ${name} takes a text, a number or null`, { path });
};

const some = (values: readonly string[]): string =>
  values.length <= SHOWN
    ? values.join(', ')
    : `${values.slice(0, SHOWN).join(', ')}, ... (${values.length} in all)`;

/** The name with the fewest edits, when they are fewer than half its letters. */
export const nearest = (asked: string, names: readonly string[]): string | null => {
  let best: string | null = null;
  let fewest = Infinity;
  for (const name of names) {
    if (Math.abs(name.length - asked.length) >= fewest) continue;
    const edits = distance(asked.toLowerCase(), name.toLowerCase());
    if (edits < fewest && edits <= Math.max(1, name.length / 2)) {
      best = name;
      fewest = edits;
    }
  }
  return best;
};

/** Levenshtein distance. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[b.length] ?? 0;
};
