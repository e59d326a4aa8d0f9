/**
 * One pass over the bytes of a delimited file before any parser sees it: bounded memory, refuses early, names the line.
 * RFC 4180 with what real files add: a BOM, CRLF or LF, blank lines, a delimiter other than the comma.
 */
import { createReadStream } from 'node:fs';
import { Failure } from '../../contracts';
import { LIMITS } from '../../tabular';

export interface Scanned {
  readonly delimiter: string;
  readonly header: readonly string[];
  readonly rows: number;
}

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const CANDIDATES = [',', ';', '\t', '|'] as const;
const BOM = '\ufeff';

/** Splits one record; quotes are doubled inside quoted cells. */
export const splitRecord = (line: string, delimiter: string): string[] => {
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    if (quoted) {
      if (char !== '"') cell += char;
      else if (line[at + 1] === '"') cell += line[++at];
      else quoted = false;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === delimiter) {
      cells.push(cell);
      cell = '';
    } else cell += char;
  }
  return [...cells, cell];
};

const chooseDelimiter = (header: string): string => {
  const counts = CANDIDATES.map((candidate) => splitRecord(header, candidate).length);
  const most = Math.max(...counts);
  return CANDIDATES[counts.indexOf(most)];
};

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

/**
 * Checks encoding, header, cell and line sizes and that every row has as many cells as the header.
 * `fixedDelimiter` is the tab of a TSV; a CSV's delimiter is found in its header.
 */
export const scan = async (path: string, fixedDelimiter: string | null): Promise<Scanned> => {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let header: string[] | null = null;
  let delimiter = fixedDelimiter ?? ',';
  let separator = delimiter.charCodeAt(0);
  let headerBytes: Buffer[] = [];
  let headerLength = 0;
  let inHeader = true;
  let quoted = false;
  let wasQuote = false; // the previous byte closed a quote, or was the first of a doubled one
  let cellBytes = 0;
  let lineBytes = 0;
  let cells = 1;
  let record = 1; // line on which the current record starts
  let line = 1;
  let rows = 0;

  const endHeader = (): void => {
    const text = Buffer.concat(headerBytes)
      .toString('utf8')
      .replace(/\r?\n?$/, '')
      .replace(BOM, '');
    headerBytes = [];
    if (fixedDelimiter === null) delimiter = chooseDelimiter(text);
    separator = delimiter.charCodeAt(0);
    header = checkedNames(splitRecord(text, delimiter));
    inHeader = false;
  };
  const endRecord = (): void => {
    const blank = lineBytes === 0;
    if (!blank) {
      if (header !== null && cells !== header.length) {
        throw new Failure(
          'RAGGED_ROWS',
          `line ${record} has ${cells} cells, the header has ${header.length}`,
          {
            hint: `delimiter ${JSON.stringify(delimiter)} was found in the header; quote cells that contain it`,
          },
        );
      }
      rows++;
      if (rows > LIMITS.rows)
        throw new Failure('PAYLOAD_TOO_LARGE', `the file has more than ${LIMITS.rows} rows`);
    }
    cells = 1;
    cellBytes = 0;
    lineBytes = 0;
  };

  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    try {
      utf8.decode(chunk, { stream: true });
    } catch (cause) {
      throw new Failure(
        'INVALID_ENCODING',
        `the file is not UTF-8: an invalid byte at or after line ${line}`,
        {
          hint: 'save it as UTF-8',
          cause,
        },
      );
    }
    let start = 0;
    if (inHeader) {
      // The header may be cut by a chunk; quotes may hold a line break.
      let end = -1;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at];
        if (byte === QUOTE) quoted = !quoted;
        else if (byte === LF && !quoted) {
          end = at + 1;
          break;
        } else if (byte === LF) line++;
      }
      const piece = end === -1 ? chunk : chunk.subarray(0, end);
      headerBytes.push(piece);
      headerLength += piece.length;
      if (headerLength > LIMITS.lineBytes) tooLong(1);
      if (end === -1) continue;
      endHeader();
      quoted = false;
      line++;
      record = line;
      start = end;
    }
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === LF && !quoted) {
        line++;
        wasQuote = false;
        endRecord();
        record = line;
        continue;
      }
      if (byte === CR && !quoted) continue;
      lineBytes++;
      if (lineBytes > LIMITS.lineBytes) tooLong(record);
      if (byte === QUOTE) {
        if (quoted) {
          quoted = false;
          wasQuote = true;
        } else if (cellBytes === 0 || wasQuote) {
          quoted = true;
          wasQuote = false;
        }
        cellBytes++;
      } else if (byte === separator && !quoted) {
        cells++;
        cellBytes = 0;
        wasQuote = false;
      } else {
        if (byte === LF) line++;
        cellBytes++;
        wasQuote = false;
        if (cellBytes > LIMITS.cellBytes) {
          throw new Failure(
            'CELL_TOO_LARGE',
            `line ${record}, cell ${cells} is larger than ${LIMITS.cellBytes} bytes`,
            {
              hint: 'an unclosed quote makes many lines one cell; check the quotes before this line',
            },
          );
        }
      }
    }
  }
  try {
    utf8.decode();
  } catch (cause) {
    throw new Failure('INVALID_ENCODING', 'the file ends inside a UTF-8 character', {
      hint: 'save it as UTF-8',
      cause,
    });
  }
  if (inHeader && headerLength > 0) endHeader();
  if (quoted) throw new Failure('RAGGED_ROWS', `a quote opened on line ${record} is never closed`);
  if (lineBytes > 0) endRecord();
  if (header === null)
    throw new Failure('EMPTY_FILE', 'the file is empty', { hint: 'upload a header line and rows' });
  if (rows === 0) throw new Failure('NO_ROWS', 'the file has a header and no rows');
  return { delimiter, header, rows };
};
