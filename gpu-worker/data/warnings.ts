import type { ColumnProfile, ColumnSpec, DatasetWarning } from '../../contracts';
import { LIMITS } from '../../tabular';
import type { Duck } from './duck';
import { findLeaks } from './leaks';
import { findNearDuplicates } from './near-duplicates';
import type { Aim } from './target';

const MOSTLY_MISSING = 0.5;
const HIGH_CARDINALITY = 100;
const RARE = 0.05;
const DUPLICATES = 0.01;
/** Fewer words a cell are names and numbers, not text. */
const FEWEST_WORDS = 3;

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

const ofColumn = async (duck: Duck, at: number, profile: ColumnProfile): Promise<DatasetWarning[]> => {
  const { name, type, rows, missing, distinct } = profile;
  const warnings: DatasetWarning[] = [];
  const say = (code: DatasetWarning['code'], message: string): unknown =>
    warnings.push({ code, column: name, message });
  const present = rows - missing;
  if (distinct <= 1) say('CONSTANT_COLUMN', 'it holds no two different values; it is left out of training');
  else if (missing / rows > MOSTLY_MISSING)
    say('MOSTLY_MISSING', `${percent(missing / rows)} of the rows have no value`);
  if (type === 'number' && distinct === present && present > 50) {
    const { runs } = await duck.one<{ runs: boolean }>(
      `select max(c${at}) - min(c${at}) = count(*) - 1 and bool_and(c${at} = floor(c${at})) as runs from typed where c${at} is not null`,
    );
    if (runs) say('IDENTIFIER_COLUMN', 'it numbers the rows; it is left out of training');
  }
  if (type === 'number' && distinct === present && present > 50 && warnings.length === 0) {
    const { whole } = await duck.one<{ whole: boolean }>(
      `select bool_and(c${at} = floor(c${at})) as whole from typed where c${at} is not null`,
    );
    if (whole && /(^|[_\s-])(id|uid|udi|uuid|key|no|nr|number)$|^id/i.test(name)) {
      say(
        'IDENTIFIER_COLUMN',
        'it is named like an identifier and is different in every row; it is left out of training',
      );
    }
  }
  if (type === 'text') {
    const { words, cut } = await duck.one<{ words: number | null; cut: number }>(
      `select avg(len(string_split(c${at}, ' ')))::double as words,
         count(*) filter (length(c${at}) >= ${LIMITS.textCharacters - 1}) as cut from typed`,
    );
    if (distinct >= 0.95 * present && (words ?? 0) < FEWEST_WORDS)
      say('IDENTIFIER_COLUMN', 'its text is different in nearly every row; it is left out of training');
    else say('FREE_TEXT', 'it reads like free text: models learn from its words and runs of characters');
    if (cut > 0)
      say(
        'LONG_TEXT',
        `${cut} cells have ${LIMITS.textCharacters} characters or more; what lies beyond is not read`,
      );
  }
  if (type === 'category' && distinct > HIGH_CARDINALITY) {
    say(
      'HIGH_CARDINALITY',
      `it has ${distinct} distinct values; rare ones are treated as one, unless targetEncodingAbove of the spec encodes them by the target`,
    );
  }
  return warnings;
};

/** Everything worth knowing before a model is made from table `typed`. */
export const findWarnings = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  profile: readonly ColumnProfile[],
  aim: Aim | null,
): Promise<DatasetWarning[]> => {
  const warnings: DatasetWarning[] = [];
  for (const [at, column] of profile.entries()) {
    if (at !== aim?.at) warnings.push(...(await ofColumn(duck, at, column)));
  }
  for (const leak of aim === null ? [] : await findLeaks(duck, specs, profile, aim)) {
    warnings.push({
      code: 'LEAKING_COLUMN',
      column: leak.column,
      message: `${leak.why}; it is left out of training`,
    });
  }
  for (const { column, of, why } of await findNearDuplicates(duck, specs, profile, aim?.at ?? -1)) {
    warnings.push({ code: 'NEAR_DUPLICATE_COLUMN', column, message: `it repeats the column ${of}: ${why}` });
  }
  // An identifier would make every row look like a new one.
  const telling = specs.flatMap(({ name }, at) =>
    warnings.some(({ code, column }) => code === 'IDENTIFIER_COLUMN' && column === name) ? [] : [`c${at}`],
  );
  const { rows, distinct } = await duck.one<{ rows: number; distinct: number }>(
    `select sum(n) as rows, count(*) as distinct
       from (select count(*) as n from typed group by hash(${telling.join(', ')}))`,
  );
  if (rows - distinct > DUPLICATES * rows) {
    warnings.push({
      code: 'DUPLICATE_ROWS',
      column: null,
      message: `${rows - distinct} rows repeat an earlier one`,
    });
  }
  if (aim?.task !== 'classification') return warnings;
  const classes = profile[aim.at]?.frequent ?? [];
  const rarest = classes.at(-1);
  if (rarest !== undefined && rarest.count / rows < RARE) {
    warnings.push({
      code: 'IMBALANCED_TARGET',
      column: profile[aim.at]?.name ?? null,
      message: `the rarest class has ${percent(rarest.count / rows)} of the rows`,
    });
  }
  return warnings;
};
