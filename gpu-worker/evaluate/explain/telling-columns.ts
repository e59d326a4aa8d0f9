import { groupsOf } from '../groups';
import type { SealedFile } from './sealed-file';

const LIMITS = { bins: 8, categories: 8 };

/**
 * The input columns, or, where there are more than `most`, those whose groups (quantile bins, categories) differ most in
 * the mean answer: a cheap look that costs no question. In the order of the file's inputs.
 */
export const tellingColumns = async (file: SealedFile, rows: Int32Array, most: number): Promise<string[]> => {
  const names = file.inputs;
  if (names.length <= most || rows.length === 0) return names.slice(0, most);
  const answers = await file.answers(rows.length, () => rows);
  const told = new Map(names.map((name) => [name, betweenGroups(file, name, rows, answers)]));
  const ranked = [...names].sort((a, b) => (told.get(b) ?? 0) - (told.get(a) ?? 0));
  const chosen = new Set(ranked.slice(0, most));
  return names.filter((name) => chosen.has(name));
};

/** Sum over the outputs of the squared distances of the groups' means from the whole's, weighted by rows. */
const betweenGroups = (file: SealedFile, name: string, rows: Int32Array, answers: Float32Array): number => {
  const column = file.column(name);
  if (column === undefined) return Infinity; // a picture has no groups and is always looked at
  const { codes, labels } = groupsOf(column, rows, LIMITS);
  const { width } = file;
  let told = 0;
  for (let output = 0; output < width; output++) {
    const sums = new Float64Array(labels.length);
    const counts = new Int32Array(labels.length);
    let total = 0;
    codes.forEach((code, i) => {
      sums[code] += answers[i * width + output];
      counts[code]++;
      total += answers[i * width + output];
    });
    const mean = total / rows.length;
    told += sums.reduce((sum, value, group) => {
      const count = counts[group];
      return count === 0 ? sum : sum + count * (value / count - mean) ** 2;
    }, 0);
  }
  return told;
};
