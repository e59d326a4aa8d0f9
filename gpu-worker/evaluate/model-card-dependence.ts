import type { EvaluationReport, PartialDependence } from '../../contracts';
import { code, number, table, thinned } from './markdown';

const MOST_VALUES = 12;

/** Empty where no column has one value a row. */
export const dependenceCard = ({ partialDependence }: EvaluationReport): string => {
  const drawn = partialDependence.filter(({ points }) => points.length > 0);
  return drawn.length === 0
    ? ''
    : [
        '## How its answers follow a column',
        "Mean answer when the column has one value in all rows; a tenth of the rows' own answers (to the first label) lies below the one and above the other of the last two figures.",
        ...drawn.map(ofColumn),
      ].join('\n\n');
};

const ofColumn = ({ column, labels, points }: PartialDependence): string =>
  table(
    [code(column), ...(labels.length > 0 ? labels.map(code) : ['mean']), '10 % below', '10 % above'],
    thinned(points, MOST_VALUES).map(({ at, mean, q10, q90 }) => [
      typeof at === 'number' ? number(at) : code(at),
      ...[...mean, q10, q90].map(number),
    ]),
  );
