/**
 * One pass over the bytes of a delimited file before any parser sees it: bounded memory, refuses early, names the line.
 * RFC 4180 with what real files add: a BOM, CRLF or LF, blank lines, a delimiter other than the comma.
 */
import { createReadStream } from 'node:fs';
import { Failure } from '../../contracts';
import { chooseDelimiter, LIMITS, splitRecord } from '../../tabular';
import { EncodingCheck } from './encoding';

export interface Scanned {
  readonly delimiter: string;
  readonly header: readonly string[];
  readonly rows: number;
}

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const BOM = '\ufeff';

const checkHeader = (names: readonly string[]): void => {
  if (names.length > LIMITS.columns) {
    throw new Failure(
      'TOO_MANY_COLUMNS',
      `the file has ${names.length} columns; at most ${LIMITS.columns} are accepted`,
      {
        hint: 'leave out columns that no model needs',
      },
    );
  }
  if (names.length < 2) {
    throw new Failure(
      'TOO_FEW_COLUMNS',
      'the file has one column; a model needs the target and at least one more',
      {
        hint: 'check the delimiter: comma, semicolon, tab and | are recognised',
      },
    );
  }
  const seen = new Set<string>();
  names.forEach((name, at) => {
    if (name === '')
      throw new Failure('BAD_INPUT', `column ${at + 1} has no name`, {
        hint: 'name every column in the first line',
      });
    if (name.length > LIMITS.columnNameCharacters) {
      throw new Failure(
        'BAD_INPUT',
        `the name of column ${at + 1} has more than ${LIMITS.columnNameCharacters} characters`,
      );
    }
    if (name.startsWith('__')) {
      throw new Failure('BAD_INPUT', `column names that begin with two underscores are reserved: ${name}`, {
        hint: 'rename it',
      });
    }
    if (seen.has(name))
      throw new Failure('DUPLICATE_COLUMN', `the column name ${JSON.stringify(name)} stands twice`, {
        path: [name],
        hint: 'give every column a name of its own',
      });
    seen.add(name);
  });
};

/** Column names of any source pass the same checks. */
export const checkedNames = (raw: readonly string[]): string[] => {
  const names = raw.map((name, at) => (at === 0 ? name.replace(BOM, '') : name).normalize('NFC').trim());
  checkHeader(names);
  return names;
};

const tooLong = (line: number): never => {
  throw new Failure('LINE_TOO_LONG', `line ${line} is longer than ${LIMITS.lineBytes} bytes`, {
    hint: 'an unclosed quote makes the rest of a file one line; check the quotes before this line',
  });
};

const except = (...bytes: readonly number[]): Uint8Array => {
  const table = new Uint8Array(256).fill(1);
  for (const byte of bytes) table[byte] = 0;
  return table;
};
const PLAIN_IN_QUOTES = except(QUOTE, LF);

/** Follows rows and cells through the chunks after the header. Runs of ordinary bytes are skipped in a tight loop. */
class RowCheck {
  rows = 0;
  private quoted = false;
  private wasQuote = false; // the previous byte closed a quote, or was the first of a doubled one
  private cellBytes = 0;
  private lineBytes = 0;
  private cells = 1;
  private record: number;
  private readonly plain: Uint8Array;

  constructor(
    private readonly header: readonly string[],
    private readonly delimiter: string,
    public line: number,
  ) {
    this.record = line;
    this.plain = except(QUOTE, LF, CR, delimiter.charCodeAt(0));
  }

  feed(chunk: Buffer): void {
    const { plain } = this;
    let { quoted, wasQuote, cellBytes, lineBytes, cells } = this;
    for (let at = 0; at < chunk.length;) {
      const start = at;
      const skip = quoted ? PLAIN_IN_QUOTES : plain;
      while (at < chunk.length && skip[chunk[at]] === 1) at++;
      if (at > start) {
        lineBytes += at - start;
        cellBytes += at - start;
        wasQuote = false;
        this.checkSizes(cellBytes, lineBytes, cells);
        if (at === chunk.length) break;
      }
      const byte = chunk[at++];
      if (byte === LF && !quoted) {
        this.line++;
        this.endRecord(lineBytes === 0, cells);
        wasQuote = false;
        cellBytes = lineBytes = 0;
        cells = 1;
        continue;
      }
      if (byte === CR && !quoted) continue;
      lineBytes++;
      cellBytes++;
      if (byte === LF) this.line++;
      else if (byte !== QUOTE) {
        cells++;
        cellBytes = 0;
        wasQuote = false;
      } else if (quoted) {
        quoted = false;
        wasQuote = true;
      } else if (cellBytes === 1 || wasQuote) {
        quoted = true;
        wasQuote = false;
      }
      // Delimiters or line ends alone make a long line, too.
      if (lineBytes > LIMITS.lineBytes) tooLong(this.record);
    }
    Object.assign(this, { quoted, wasQuote, cellBytes, lineBytes, cells });
  }

  end(): void {
    if (this.quoted)
      throw new Failure('RAGGED_ROWS', `a quote opened on line ${this.record} is never closed`);
    if (this.lineBytes > 0) this.endRecord(false, this.cells);
  }

  private checkSizes(cellBytes: number, lineBytes: number, cells: number): void {
    if (cellBytes > LIMITS.cellBytes) {
      throw new Failure(
        'CELL_TOO_LARGE',
        `line ${this.record}, cell ${cells} is larger than ${LIMITS.cellBytes} bytes`,
        { hint: 'an unclosed quote makes many lines one cell; check the quotes before this line' },
      );
    }
    if (lineBytes > LIMITS.lineBytes) tooLong(this.record);
  }

  private endRecord(blank: boolean, cells: number): void {
    const { record, header } = this;
    this.record = this.line;
    if (blank) return;
    if (cells !== header.length) {
      throw new Failure('RAGGED_ROWS', `line ${record} has ${cells} cells, the header has ${header.length}`, {
        hint: `delimiter ${JSON.stringify(this.delimiter)} was found in the header; quote cells that contain it`,
      });
    }
    this.rows++;
    if (this.rows > LIMITS.rows)
      throw new Failure('PAYLOAD_TOO_LARGE', `the file has more than ${LIMITS.rows} rows`);
  }
}

/** Collects the first record; a chunk may cut it and quotes may hold a line break. */
class HeaderReader {
  line = 1;
  private quoted = false;
  private length = 0;
  private readonly pieces: Buffer[] = [];

  /** Answers where the rows begin in `chunk`, or -1 when the header goes on. */
  feed(chunk: Buffer): number {
    let end = -1;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === QUOTE) this.quoted = !this.quoted;
      else if (byte === LF) {
        this.line++;
        if (this.quoted) continue;
        end = at + 1;
        break;
      }
    }
    const piece = end === -1 ? chunk : chunk.subarray(0, end);
    this.pieces.push(piece);
    this.length += piece.length;
    if (this.length > LIMITS.lineBytes) tooLong(1);
    return end;
  }

  get empty(): boolean {
    return this.length === 0;
  }

  text(): string {
    return Buffer.concat(this.pieces)
      .toString('utf8')
      .replace(/\r?\n?$/, '')
      .replace(BOM, '');
  }
}

/**
 * Checks encoding, header, cell and line sizes and that every row has as many cells as the header.
 * `fixedDelimiter` is the tab of a TSV; a CSV's delimiter is found in its header.
 */
export const scan = async (path: string, fixedDelimiter: string | null): Promise<Scanned> => {
  const encoding = new EncodingCheck();
  const first = new HeaderReader();
  let rows: RowCheck | null = null;
  let delimiter = ',';
  let header: string[] = [];
  const endHeader = (): RowCheck => {
    const text = first.text();
    delimiter = fixedDelimiter ?? chooseDelimiter(text);
    header = checkedNames(splitRecord(text, delimiter));
    return new RowCheck(header, delimiter, first.line);
  };

  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    encoding.feed(chunk, () => `line ${rows?.line ?? first.line}`);
    if (rows !== null) rows.feed(chunk);
    else {
      const start = first.feed(chunk);
      if (start === -1) continue;
      rows = endHeader();
      rows.feed(chunk.subarray(start));
    }
  }
  encoding.end();
  if (rows === null && first.empty)
    throw new Failure('EMPTY_FILE', 'the file is empty', { hint: 'upload a header line and rows' });
  rows ??= endHeader();
  rows.end();
  if (rows.rows === 0) throw new Failure('NO_ROWS', 'the file has a header and no rows');
  return { delimiter, header, rows: rows.rows };
};
