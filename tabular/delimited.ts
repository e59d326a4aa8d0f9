/** RFC 4180 records in memory: for headers and small samples; whole files are read by the worker. */

export const DELIMITERS = [',', ';', '\t', '|'] as const;

/** Records of `text` as cells; quoted cells may hold delimiters, doubled quotes and line breaks. Blank lines are skipped. */
export function* records(text: string, delimiter: string): Generator<string[]> {
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  const end = (): string[] | null => {
    const record = [...cells, cell];
    cells = [];
    cell = '';
    return record.length === 1 && record[0] === '' ? null : record;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text.charAt(at + 1) === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === delimiter) {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') {
      const record = end();
      if (record !== null) yield record;
    } else if (char !== '\r') cell += char;
  }
  const last = end();
  if (last !== null) yield last;
}

export const splitRecord = (line: string, delimiter: string): string[] => {
  const [record] = records(line, delimiter);
  return record ?? [''];
};

/** The delimiter that cuts the header into most cells. */
export const chooseDelimiter = (header: string): string => {
  let best: string = DELIMITERS[0];
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const { length } = splitRecord(header, delimiter);
    if (length > most) {
      most = length;
      best = delimiter;
    }
  }
  return best;
};
