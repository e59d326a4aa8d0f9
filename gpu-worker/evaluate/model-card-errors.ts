/** What a model card says of how it was learned and where its answers were wrong. */
import type { EvaluationReport } from '../../contracts';
import { code, number, table, thinned } from './markdown';

const CURVE_ROWS = 10;
/** A larger matrix is not read as a whole: its most frequent mistakes are. */
const MOST_LABELS = 10;
const MISTAKES = 5;

export const curveCard = ({ learningCurve }: EvaluationReport): string => {
  if (learningCurve === null) return '';
  const { unit, points, best } = learningCurve;
  const shown = thinned(points, CURVE_ROWS, ({ at }) => at === best);
  const found = best === null ? '' : `; the best is ${unit} ${best}`;
  const [about, loss, valLoss] =
    unit === 'trial'
      ? ['Loss on rows that the trial did not learn from', 'its candidate', 'best so far']
      : [`Loss by ${unit}, as training sees it`, 'training', 'validation'];
  return [
    '## Learning curve',
    `${about}${found}.`,
    table(
      [unit, loss, valLoss],
      shown.map((point) => [
        String(point.at),
        number(point.loss),
        point.valLoss === null ? '' : number(point.valLoss),
      ]),
    ),
  ].join('\n\n');
};

export const confusionCard = ({ confusion, classes }: EvaluationReport): string => {
  if (confusion === null) return '';
  const { counts, worst } = confusion;
  if (counts !== null && classes.length <= MOST_LABELS)
    return [
      '## Right and wrong labels',
      'Rows by their true label (down) and the one that was given (across):',
      table(
        ['true', ...classes.map(code)],
        counts.map((row, truth) => [code(classes[truth]), ...row.map(String)]),
      ),
    ].join('\n\n');
  if (worst.length === 0) return '';
  return [
    '## Right and wrong labels',
    'Most frequent mistakes:',
    table(
      ['true', 'given', 'rows'],
      worst.slice(0, MISTAKES).map(({ truth, decided, rows }) => [code(truth), code(decided), String(rows)]),
    ),
  ].join('\n\n');
};

export const residualsCard = ({ residuals }: EvaluationReport): string => {
  if (residuals === null) return '';
  const [least, , q5, q25, q50, q75, q95, , greatest] = residuals.quantiles.map(number);
  return [
    '## Errors',
    `Predicted less actual: ${q50} in the middle, half between ${q25} and ${q75}, nine of ten between ${q5} and ${q95}, all between ${least} and ${greatest}. By how much was predicted:`,
    table(
      ['predicted', 'rows', 'mean error', '10 % below', '10 % above'],
      residuals.byPrediction.map(({ rows, predicted, mean, q10, q90 }) => [
        number(predicted),
        String(rows),
        ...[mean, q10, q90].map(number),
      ]),
    ),
  ].join('\n\n');
};
