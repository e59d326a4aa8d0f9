import { open } from 'node:fs/promises';
import { chooseDelimiter, guessTask, inferColumn, parseCell, records } from '../../../tabular';

const SAMPLE_BYTES = 8 * 1024 * 1024;

export class CannotGuess extends Error {}

/** Cells of one column at the head of a CSV, TSV or JSON lines file. */
const columnSample = (text: string, whole: boolean, format: string, target: string): string[] => {
  const complete = whole ? text : text.slice(0, text.lastIndexOf('\n') + 1);
  if (format === 'jsonl') {
    return complete
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const value = (JSON.parse(line) as Record<string, string | number | boolean | null>)[target];
        return value == null ? '' : String(value);
      });
  }
  const clean = complete.replace(/^\ufeff/, '');
  const header = clean.slice(0, clean.search(/\r?\n|$/));
  const [names, ...rows] = records(clean, format === 'tsv' ? '\t' : chooseDelimiter(header));
  const at = names?.map((name) => name.trim()).indexOf(target) ?? -1;
  if (at < 0)
    throw new CannotGuess(
      `there is no column ${JSON.stringify(target)}; the columns are: ${names?.join(', ') ?? ''}`,
    );
  return rows.map((row) => row[at] ?? '');
};

/** What a person would choose after a look at the target column: the rule that the platform itself uses. */
export const guessTaskOf = async (
  path: string,
  format: string,
  target: string,
): Promise<'regression' | 'classification'> => {
  if (format === 'parquet')
    throw new CannotGuess('say --task regression or --task classification for a Parquet file');
  const file = await open(path, 'r');
  let text: string;
  let whole: boolean;
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, SAMPLE_BYTES));
    await file.read(buffer, 0, buffer.length, 0);
    text = buffer.toString('utf8');
    whole = size <= SAMPLE_BYTES;
  } finally {
    await file.close();
  }
  const counts = new Map<string, number>();
  const cells = columnSample(text, whole, format, target);
  for (const cell of cells) counts.set(cell.trim(), (counts.get(cell.trim()) ?? 0) + 1);
  const empty = counts.get('') ?? 0;
  counts.delete('');
  const { spec } = inferColumn({
    name: target,
    rows: cells.length,
    empty,
    plain: 0,
    distinct: counts.size,
    others: [...counts],
  });
  const values = [...counts.keys()]
    .map((cell) => parseCell(spec, cell))
    .flatMap((result) => (result.ok && result.value !== null ? [result.value] : []));
  return guessTask({
    numeric: spec.type === 'number',
    whole: values.every((value) => Number.isInteger(value)),
    distinct: new Set(values).size,
  });
};
