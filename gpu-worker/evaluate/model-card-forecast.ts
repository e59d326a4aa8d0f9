import type { EvaluationReport, ForecastReport } from '../../contracts';
import { isoMicros } from '../../tabular';
import { number, table, thinned } from './markdown';

const STEP_ROWS = 12;

/** Error by step ahead and over rolling origins, beside the seasonal-naive forecast. Empty for other tasks. */
export const forecastCard = (
  { rows }: EvaluationReport,
  { forecast }: { readonly forecast?: ForecastReport },
): string =>
  forecast === undefined
    ? ''
    : [
        '## Step by step ahead',
        `A season is ${forecast.season} steps, and the last ${forecast.lookback} are read. Errors of ${rows.count > 0 ? 'held-out' : 'validation'} windows, beside those of repeating the last season:`,
        table(
          ['step ahead', 'mae', 'mae of the season', 'rmse', 'rmse of the season'],
          thinned(forecast.byHorizon, STEP_ROWS).map(({ step, mae, naiveMae, rmse, naiveRmse }) => [
            String(step),
            ...[mae, naiveMae, rmse, naiveRmse].map(cell),
          ]),
        ),
        ...backtests(forecast),
      ].join('\n\n');

const backtests = ({ backtests: parts }: ForecastReport): string[] =>
  parts.length === 0
    ? []
    : [
        '## Backtests',
        'One model that learned from earlier rows, asked from later and later validation rows on:',
        table(
          [
            'first origin',
            'last origin',
            'windows',
            'mae',
            'mae of the season',
            'rmse',
            'rmse of the season',
          ],
          parts.map(({ fromMicros, toMicros, windows, metrics, naive }) => [
            isoMicros(fromMicros),
            isoMicros(toMicros),
            String(windows),
            ...[metrics['mae'], naive['mae'], metrics['rmse'], naive['rmse']].map(cell),
          ]),
        ),
      ];

const cell = (value: number | null | undefined): string => (value == null ? '' : number(value));
