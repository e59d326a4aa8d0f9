/** Whether a model treats the groups of a sensitive column alike. */
import type { Fairness, FairnessGroup } from '../../contracts';
import type { GroupedColumn } from './slices';
import { shareOf } from './shares';

/** Smaller groups are listed but do not count in the gaps: their rates are mostly noise. */
const FEWEST_ROWS = 30;

/** Greatest minus least; null with fewer than two. */
const gap = (values: readonly (number | null | undefined)[]): number | null => {
  const known = values.filter((value) => value != null);
  return known.length < 2 ? null : Math.max(...known) - Math.min(...known);
};

const rowsOf = ({ codes, labels }: GroupedColumn): Int32Array[] =>
  labels.map((_, group) => Int32Array.from(codes.keys()).filter((row) => codes[row] === group));

/** Group means of predicted - actual and of its size, in target units. */
export const regressionFairness = (
  groups: GroupedColumn,
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
): Fairness => {
  const members = rowsOf(groups);
  const listed = members.map((rows, at): FairnessGroup => {
    const mean = (of: (error: number) => number): number | null =>
      rows.length === 0
        ? null
        : rows.reduce((sum, row) => sum + of(predicted[row] - actual[row]), 0) / rows.length;
    return {
      ...described(groups.labels[at], rows),
      ...NO_RATES,
      meanError: mean((error) => error),
      meanAbsoluteError: mean(Math.abs),
    };
  });
  const counted = listed.filter(({ small }) => !small);
  return {
    column: groups.column,
    label: null,
    groups: listed,
    ...NO_GAPS,
    meanErrorGap: gap(counted.map(({ meanError }) => meanError)),
    meanAbsoluteErrorGap: gap(counted.map(({ meanAbsoluteError }) => meanAbsoluteError)),
  };
};

const described = (group: string, rows: Int32Array): Pick<FairnessGroup, 'group' | 'rows' | 'small'> => ({
  group,
  rows: rows.length,
  small: rows.length < FEWEST_ROWS,
});

const NO_RATES = {
  selectionRate: null,
  truePositiveRate: null,
  falsePositiveRate: null,
  accuracy: null,
};
const NO_GAPS = {
  demographicParityDifference: null,
  disparateImpactRatio: null,
  equalOpportunityDifference: null,
  equalizedOddsDifference: null,
  accuracyGap: null,
  meanErrorGap: null,
  meanAbsoluteErrorGap: null,
};

/**
 * Rates of deciding for a class, by group: demographic parity (Calders et al. 2009) and disparate impact (Feldman et al.
 * 2015) compare how often it is decided for, equal opportunity and equalized odds (Hardt et al. 2016) how often among
 * those for whom it is true, and also among the others. With two classes about the second one, with more about the one
 * with the greatest parity difference of the 20 that are given most often. `codes`: class index a row, -1 = unknown to the model.
 */
export const classificationFairness = (
  groups: GroupedColumn,
  decided: ArrayLike<number>,
  codes: ArrayLike<number>,
  classes: readonly string[],
): Fairness => {
  const members = rowsOf(groups);
  const asked = classes.length === 2 ? [1] : mostFrequent(decided, classes.length);
  const [first, ...others] = asked.map((label) =>
    aboutLabel({ groups, members, decided, codes, label, name: classes[label] }),
  );
  const severity = (one: Fairness): number => one.demographicParityDifference ?? -1;
  return others.reduce((worst, other) => (severity(other) > severity(worst) ? other : worst), first);
};

const MOST_LABELS = 20;

/** Labels that are given most often. */
const mostFrequent = (decided: ArrayLike<number>, classes: number): number[] => {
  const counts = new Int32Array(classes);
  for (let row = 0; row < decided.length; row++) counts[decided[row]]++;
  return [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b).slice(0, MOST_LABELS);
};

interface Question {
  readonly groups: GroupedColumn;
  readonly members: readonly Int32Array[];
  readonly decided: ArrayLike<number>;
  readonly codes: ArrayLike<number>;
  readonly label: number;
  readonly name: string;
}

const aboutLabel = ({ groups, members, decided, codes, label, name }: Question): Fairness => {
  const listed = members.map((rows, at): FairnessGroup => {
    const rate = (among: (row: number) => boolean, hit: (row: number) => boolean) => {
      const asked = rows.filter(among);
      return shareOf(asked.filter(hit).length, asked.length);
    };
    const chosen = (row: number): boolean => decided[row] === label;
    return {
      ...described(groups.labels[at], rows),
      selectionRate: rate(() => true, chosen),
      truePositiveRate: rate((row) => codes[row] === label, chosen),
      falsePositiveRate: rate((row) => codes[row] !== label, chosen),
      accuracy: rate(
        () => true,
        (row) => decided[row] === codes[row],
      ),
      meanError: null,
      meanAbsoluteError: null,
    };
  });
  const counted = listed.filter(({ small }) => !small);
  const shares = (of: 'selectionRate' | 'truePositiveRate' | 'falsePositiveRate' | 'accuracy') =>
    counted.map((group) => group[of]?.share);
  const selection = shares('selectionRate').filter((share) => share !== undefined);
  const greatest = Math.max(...selection);
  const opportunity = gap(shares('truePositiveRate'));
  const alarms = gap(shares('falsePositiveRate'));
  return {
    ...NO_GAPS,
    column: groups.column,
    label: name,
    groups: listed,
    demographicParityDifference: gap(selection),
    disparateImpactRatio: selection.length < 2 || greatest === 0 ? null : Math.min(...selection) / greatest,
    equalOpportunityDifference: opportunity,
    equalizedOddsDifference: opportunity === null || alarms === null ? null : Math.max(opportunity, alarms),
    accuracyGap: gap(shares('accuracy')),
  };
};
