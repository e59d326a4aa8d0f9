/** Stations of the loop on a terminal. */
import type {
  ComparisonAnswer,
  DatasetVersionAnswer,
  EpochAnswer,
  InvoiceAnswer,
  ModelVersionAnswer,
} from './answers';
import type { PredictionWithTruth } from './play';
import type { Terminal } from './terminal';
import { short, sparkline } from './terminal';

const SHOWN_COLUMNS = 12;
const SHOWN_PREDICTIONS = 5;

/** Training loss, and validation loss where there is one: first and last value around each curve. */
export const sparklines = (epochs: readonly EpochAnswer[]): string => {
  const first = epochs[0];
  const last = epochs.at(-1);
  if (first === undefined || last === undefined) return '';
  const validation = epochs.flatMap((epoch) => (epoch.valLoss === null ? [] : [epoch.valLoss]));
  const curve = (name: string, values: readonly number[]): string =>
    values.length === 0 ? '' : `${name} ${short(values[0])} ${sparkline(values, 24)} ${short(values.at(-1))}`;
  return [
    curve(
      'train',
      epochs.map((epoch) => epoch.loss),
    ),
    curve('validation', validation),
  ]
    .filter((text) => text !== '')
    .join('  ');
};

/** The fields of Keras' history of one epoch, under the same names. */
export const historyLine = (epoch: EpochAnswer): string =>
  (
    [
      ['loss', epoch.loss],
      ['mae', epoch.mae],
      ['mse', epoch.mse],
      ['accuracy', epoch.accuracy],
      ['val_loss', epoch.valLoss],
      ['val_mae', epoch.valMae],
      ['val_mse', epoch.valMse],
      ['val_accuracy', epoch.valAccuracy],
    ] as const
  )
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${short(value)}`)
    .join('  ');

export const showData = (ui: Terminal, dataset: DatasetVersionAnswer): void => {
  const { kind, column = '' } = dataset.holdout ?? {};
  const how =
    kind === 'time'
      ? `the latest by ${column}`
      : kind === 'group'
        ? `whole groups of ${column}`
        : 'by a hash of their cells';
  ui.line(
    `  ${dataset.rows ?? '0'} rows sealed, ${dataset.holdoutRows ?? '0'} of them held out (${how}), sha-256 ${dataset.sha256?.slice(0, 12) ?? ''}…`,
  );
  const profile = dataset.profile ?? [];
  ui.pairs(
    profile.slice(0, SHOWN_COLUMNS).map((column) => {
      const missing = column.missing > 0 ? `, ${column.missing} missing` : '';
      const related =
        column.targetAssociation === null
          ? ''
          : `, ${short(Math.round(column.targetAssociation * 100) / 100)} with the target`;
      return [column.name, `${column.type}, ${column.distinct} distinct${missing}${related}`] as const;
    }),
  );
  if (profile.length > SHOWN_COLUMNS) ui.line(`  and ${profile.length - SHOWN_COLUMNS} more columns`);
  for (const warning of dataset.warnings ?? [])
    ui.line(`  ! ${warning.column ?? 'data'}: ${warning.message}`);
};

export const showModel = (ui: Terminal, model: ModelVersionAnswer): void => {
  const family = typeof model.chosen.family === 'string' ? model.chosen.family : 'model';
  ui.line(
    `  ${family}, version ${model.number}, ${short(model.trainingMs / 1000)} s on ${model.engine.device}, ${model.onnxSizeBytes} bytes of ONNX, sha-256 ${model.onnxSha256.slice(0, 12)}…`,
  );
  const names = Object.keys(model.metrics.test);
  const width = 12;
  const row = (label: string, values: readonly string[]): void =>
    ui.line(`  ${label.padEnd(10)}${values.map((value) => value.padStart(width)).join('')}`);
  row('', ['train', 'validation', 'held out', 'baseline']);
  for (const name of names) {
    row(
      name,
      [model.metrics.train, model.metrics.validation, model.metrics.test, model.metrics.baseline].map(
        (metrics) => short(metrics[name]),
      ),
    );
  }
};

export const showPredictions = (
  ui: Terminal,
  predictions: readonly PredictionWithTruth[],
  target: string,
): void => {
  for (const { inputs, prediction, truth } of predictions.slice(0, SHOWN_PREDICTIONS)) {
    const given = Object.entries(inputs)
      .slice(0, 8)
      .map(
        ([name, value]) =>
          `${name} ${value === null ? '?' : typeof value === 'number' ? short(value) : value}`,
      )
      .join(', ');
    const shown = (value: string | number | null): string =>
      typeof value === 'number' ? short(value) : String(value);
    ui.line(`  ${given}`);
    ui.line(`    ${target}: predicted ${shown(prediction)}, was ${shown(truth)}`);
  }
  if (predictions.length > SHOWN_PREDICTIONS) ui.line(`  and ${predictions.length - SHOWN_PREDICTIONS} more`);
};

export const showComparison = (ui: Terminal, comparison: ComparisonAnswer | null): void => {
  if (comparison === null) return;
  const { metric, rows, champion, challenger, difference, low, high, better } = comparison;
  ui.line(`  ${metric} on the same ${rows} held-out rows: old ${short(champion)}, new ${short(challenger)}`);
  ui.line(
    `  difference ${short(difference)}, 95 % interval ${short(low)} to ${short(high)}: ${better === 'undecided' ? 'not decided' : `the ${better} is better`}`,
  );
};

/** Billionths of a currency unit as text with nine decimals, trailing zeros cut. */
export const money = (nano: string): string => {
  const digits = nano.replace('-', '').padStart(10, '0');
  const text = `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/0+$/, '').replace(/\.$/, '.00');
  return `${nano.startsWith('-') ? '-' : ''}${text}`;
};

export const showInvoice = (ui: Terminal, invoice: InvoiceAnswer): void => {
  ui.line(`  plan ${invoice.plan}`);
  for (const line of invoice.lines) {
    const price =
      line.price === null ? '' : ` at ${money(line.price.amountNano)} for ${line.price.perQuantity}`;
    const why = line.charged ? '' : ` (not charged: ${line.reason})`;
    ui.line(
      `  ${line.meter.padEnd(24)}${line.quantity.padStart(22)}${price}  ${money(line.amountNano)} ${invoice.currency}${why}`,
    );
  }
  ui.line(`  total ${invoice.total} ${invoice.currency}`);
};
