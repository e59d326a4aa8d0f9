import type { Fairness } from '../../contracts';
import { number, shareText, table } from './markdown';

/** Empty without sensitive columns. */
export const fairnessCard = (fairness: readonly Fairness[]): string =>
  fairness.length === 0 ? '' : ['## Fairness', ...fairness.map(ofColumn)].join('\n\n');

const ofColumn = (one: Fairness): string => {
  const gaps = Object.entries({
    'demographic parity difference': one.demographicParityDifference,
    'disparate impact ratio': one.disparateImpactRatio,
    'equal opportunity difference': one.equalOpportunityDifference,
    'equalized odds difference': one.equalizedOddsDifference,
    'accuracy gap': one.accuracyGap,
    'mean error gap': one.meanErrorGap,
    'mean absolute error gap': one.meanAbsoluteErrorGap,
  })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${number(value ?? NaN)}`);
  const about = one.label === null ? '' : ` (about deciding for \`${one.label}\`)`;
  return [
    `### ${one.column}${about}`,
    gaps.length > 0 ? `${gaps.join('; ')}.` : 'Fewer than two groups are large enough to compare.',
    one.label === null ? numbers(one) : rates(one),
  ].join('\n\n');
};

const rates = ({ groups }: Fairness): string =>
  table(
    ['group', 'rows', 'decided for', 'of those for whom it is true', 'of the others', 'right'],
    groups.map(({ group, rows, selectionRate, truePositiveRate, falsePositiveRate, accuracy }) => [
      group,
      String(rows),
      ...[selectionRate, truePositiveRate, falsePositiveRate, accuracy].map((share) =>
        share === null ? '' : shareText(share),
      ),
    ]),
  );

const numbers = ({ groups }: Fairness): string =>
  table(
    ['group', 'rows', 'mean error', 'mean absolute error'],
    groups.map(({ group, rows, meanError, meanAbsoluteError }) => [
      group,
      String(rows),
      ...[meanError, meanAbsoluteError].map((value) => (value === null ? '' : number(value))),
    ]),
  );
