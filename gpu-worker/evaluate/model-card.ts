/** The model card (Mitchell et al. 2019) of a version as Markdown: its report and manifest in words and tables. */
import type { Estimate, EvaluationReport, ModelManifest, Shapley } from '../../contracts';
import { code, number, percent, shareText, table } from './markdown';
import { dependenceCard } from './model-card-dependence';
import { confusionCard, curveCard, residualsCard } from './model-card-errors';
import { fairnessCard } from './model-card-fairness';
import { forecastCard } from './model-card-forecast';

/** Everything of the manifest but what the card itself is named by. */
export type CardManifest = Omit<ModelManifest, 'evaluation' | 'card'>;

/** Deterministic; contains column names and labels, but no row of the data. */
export const modelCardMarkdown = (report: EvaluationReport, manifest: CardManifest): string =>
  [
    `# Model card: ${report.task}${report.target === null ? '' : ` of ${code(report.target)}`}`,
    details(report, manifest),
    data(report, manifest),
    figures(report, manifest),
    curveCard(report),
    forecastCard(report, manifest),
    residualsCard(report),
    calibrationCard(report),
    confusionCard(report),
    conformalCard(report),
    worstCard(report),
    whyCard(report),
    dependenceCard(report),
    fairnessCard(report.fairness),
    limits(report, manifest),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');

const details = ({ classes }: EvaluationReport, manifest: CardManifest): string =>
  [
    '## Model',
    table(
      ['', ''],
      [
        ['Family', code(manifest.chosen.family)],
        ...(manifest.spec.family === manifest.chosen.family
          ? []
          : [['Asked for', code(manifest.spec.family)]]),
        [
          'File',
          `ONNX, ${number(manifest.onnx.sizeBytes / 1024)} KiB, sha-256 ${code(manifest.onnx.sha256)}`,
        ],
        [
          'Inputs',
          manifest.signature.inputs.map(({ spec }) => `${code(spec.name)} (${spec.type})`).join(', '),
        ],
        ['Outputs', manifest.signature.outputs.map(code).join(', ')],
        ...(classes.length > 0 ? [['Classes', someOf(classes.map(code), 20)]] : []),
        [
          'Trained',
          `${number(manifest.trainingMs / 1000)} s on ${manifest.engine.device}, seed ${manifest.seed}`,
        ],
        ['Software', `modelmint ${manifest.codeVersion}, ${manifest.engine.name} ${manifest.engine.version}`],
      ],
    ),
  ].join('\n\n');

const someOf = (texts: readonly string[], most: number): string =>
  texts.length > most
    ? `${texts.slice(0, most).join(', ')} and ${texts.length - most} more`
    : texts.join(', ');

const data = ({ rows, target }: EvaluationReport, { data: used }: CardManifest): string =>
  [
    '## Data',
    `Learned from ${used.trainRows} rows and chosen by ${used.validationRows}; ${target === null ? 'there is no target' : `the target is ${code(target)}`}. The figures below are of ${rows.count} ${rows.of === 'test' ? 'held-out rows that no training ever saw' : 'validation rows that were not learned from'}. Sealed data: sha-256 ${code(used.sha256)}.`,
  ].join('\n\n');

const figures = ({ metrics, gap }: EvaluationReport, manifest: CardManifest): string => {
  const { train, validation, baseline } = manifest.metrics;
  const cell = (value: number | null | undefined): string => (value == null ? '' : number(value));
  const rows = Object.entries(metrics).map(([name, estimate]) => [
    code(name),
    estimateText(estimate),
    cell(validation[name]),
    cell(train[name]),
    cell(baseline[name]),
  ]);
  if (rows.length === 0) return '';
  const compared =
    gap?.train == null || gap.test === null
      ? ''
      : `\n\nTraining and held-out ${code(gap.metric)} differ by ${number(Math.abs(gap.test - gap.train))}.`;
  return `## Figures\n\nIn brackets: 95 % bootstrap intervals. Baseline: what knowing only the training targets gives.\n\n${table(['metric', 'held out', 'validation', 'training', 'baseline'], rows)}${compared}`;
};

const estimateText = ({ value, low, high }: Estimate): string =>
  low === null || high === null ? number(value) : `${number(value)} (${number(low)} to ${number(high)})`;

const calibrationCard = ({ calibration, decision }: EvaluationReport): string => {
  if (calibration === null) return '';
  const { chosen, reliability } = calibration;
  const how = chosen.kind === 'temperature' ? `temperature ${number(chosen.temperature)}` : chosen.kind;
  const decided =
    decision === null
      ? 'The most probable label is given.'
      : `The label that costs least is given${decision.threshold === null ? '' : `: the second class from a probability of ${number(decision.threshold)} on`}; a row costs ${numberOr(decision.meanCost)} on average, ${numberOr(decision.meanCostOfMostProbable)} if the most probable label were taken.`;
  return [
    '## Probabilities and labels',
    `Calibration: ${how}. What is said with a probability is off by ${percent(reliability.expectedError)} on average (${percent(reliability.maximumError)} in the worst of ${reliability.bins.length} bins); Brier score ${number(reliability.brier)}. ${decided}`,
  ].join('\n\n');
};

const numberOr = (value: number | null): string => (value === null ? 'an unknown amount' : number(value));

const conformalCard = ({ conformal }: EvaluationReport): string => {
  if (conformal === null) return '';
  const { fit, coverage } = conformal;
  const { what, held, size } = conformalWords(fit);
  return [
    '## How sure to be',
    `${what} On held-out ${fit.kind === 'quantiles' ? 'windows' : 'rows'}:`,
    table(
      ['promised', held, size],
      coverage.map(({ level, inside, size: mean }) => [percent(level), shareText(inside), number(mean)]),
    ),
  ].join('\n\n');
};

const conformalWords = (
  fit: NonNullable<EvaluationReport['conformal']>['fit'],
): { what: string; held: string; size: string } => {
  const fitted = `Fitted on ${fit.rows} ${fit.kind === 'quantiles' ? 'windows' : 'rows'} that were not learned from`;
  if (fit.kind === 'anomaly-share')
    return {
      what: `The file gives the share of ordinary rows that are less unusual. ${fitted}, so that the promised share of ordinary rows lies below each level; the others are false alarms.`,
      held: 'ordinary rows below it',
      size: 'share of all rows at or above it',
    };
  if (fit.kind === 'quantiles')
    return {
      what: `The file gives quantiles of every step ahead. ${fitted}, so that the promised share of the truths lies at or below each.`,
      held: 'at or below it',
      size: 'mean distance above the forecast',
    };
  const promise = `${fitted}, to hold the truth ${percent(fit.level)} of the time.`;
  return fit.kind === 'interval'
    ? {
        what: `The file gives an interval of ± ${number(fit.radius)} around its answer (${fit.method}). ${promise}`,
        held: 'held the truth',
        size: 'mean width',
      }
    : {
        what: `The file gives the set of labels that may be true. ${promise}`,
        held: 'held the truth',
        size: 'mean labels in a set',
      };
};

const worstCard = ({ slices }: EvaluationReport): string => {
  if (slices === null) return '';
  const metric = slices.metric === 'mae' ? 'mean absolute error' : 'share of wrong labels';
  const intro = `Of ${slices.tested} groups of at least ${slices.fewestRows} rows (by one and two columns)`;
  if (slices.worst.length === 0)
    return `## Where it is worst\n\n${intro} none is surely worse than the whole.`;
  return [
    '## Where it is worst',
    `${intro}, these are surely worse than the whole (${metric} ${number(slices.overall)}):`,
    table(
      ['where', 'rows', metric, 'at least'],
      slices.worst.map(({ where, rows, error, atLeast }) => [
        where.map(({ column, is }) => `${code(column)} is ${code(is)}`).join(' and '),
        String(rows),
        number(error),
        number(atLeast),
      ]),
    ),
  ].join('\n\n');
};

const whyCard = ({ importance, shapley }: EvaluationReport): string => {
  if (importance === null) return '';
  const size = new Map(shapley?.summary.map(({ column, meanAbsolute }) => [column, meanAbsolute]));
  return [
    '## What its answers rest on',
    `How much ${code(importance.metric)} grows when a column is shuffled among ${importance.rows} held-out rows (mean and standard deviation of ${importance.repeats} times), and the mean size of its Shapley value.${shapley === null ? '' : ` ${shapleyWords(shapley)}`}`,
    table(
      ['column', 'growth', 'deviation', 'Shapley'],
      importance.columns.slice(0, 15).map(({ column, increase, standardDeviation }) => {
        const mean = size.get(column);
        return [
          code(column),
          number(increase),
          number(standardDeviation),
          mean === undefined ? '' : number(mean),
        ];
      }),
    ),
  ].join('\n\n');
};

const shapleyWords = ({ method, unit, rows, backgroundRows }: Shapley): string =>
  `Shapley values are ${method}, of ${rows.length} rows against ${backgroundRows} training rows; those of a row and the mean answer add up to ${ADDED_UP[unit ?? 'answer']}.`;

const ADDED_UP = {
  answer: 'its answer',
  target: 'its answer',
  probability: 'the probability of its most probable label',
  'log-odds': 'the log-odds of its most probable label, before calibration',
  score: 'the score of its most probable label, before softmax and calibration',
  log: 'the logarithm of its answer',
} as const;

const limits = (
  { leftOut, warnings = [] }: EvaluationReport,
  { verified, comparison }: CardManifest,
): string =>
  [
    '## Caveats',
    [
      'Figures hold for rows like those of the data. They say nothing about causes: importance and Shapley values tell what the model uses, not what would change the world.',
      ...warnings.map((warning) => `${warning.charAt(0).toUpperCase()}${warning.slice(1)}.`),
      `The file was run on ${verified.rows} rows and differs from the trainer by ${verified.maxRelativeError.toExponential(1)} at most.`,
      ...(comparison === null
        ? []
        : [
            `Compared with the deployed version by ${code(comparison.metric)} on ${comparison.rows} rows: ${number(comparison.difference)} (${number(comparison.low)} to ${number(comparison.high)}), ${comparison.better}.`,
          ]),
      ...[...new Set(leftOut.map(({ why }) => why))].map((why) => {
        const sections = leftOut.filter((one) => one.why === why).map(({ section }) => section);
        return `Left out, ${sections.join(', ')}: ${why}.`;
      }),
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
  ].join('\n\n');
