/** The report of a regression or a classification: everything is about what the sealed file answers. */
import type { EvaluationReport } from '../../contracts';
import { decide, meanCost, thresholdOf } from '../calibrate/decision';
import type { PostProcessing } from '../calibrate/post-processing';
import type { Served } from '../export/served';
import type { ClassificationTarget, RegressionTarget } from '../prepare/target';
import { columnNamed } from '../prepare/target';
import { groupBlocks } from './blocks';
import { bootstrapMetrics, withoutIntervals } from './bootstrap';
import { confusion } from './confusion';
import { coverageOf } from './coverage';
import { drawn, explanations } from './explanations';
import type { ToExplain } from './explanations';
import { classificationFairness, regressionFairness } from './fairness';
import { groupsOf } from './groups';
import { reliability } from './reliability';
import { basicReport, NOTHING_HELD_OUT, withFindings } from './report';
import type { ReportBasis } from './report';
import { residuals } from './residuals';
import { classificationSample, regressionSample } from './sample';
import type { Sample } from './sample';
import { worstSlices } from './slices';
import type { GroupedColumn } from './slices';

export interface SupervisedEvidence extends Omit<ReportBasis, 'task' | 'testRows'>, ToExplain {
  /** Rows of the table that were not learned from (`rows`): held-out ones, or validation rows. */
  readonly of: EvaluationReport['rows']['of'];
  /** The file's answers to them. */
  readonly served: Served;
  readonly post: PostProcessing;
  /** Of each of `rows`, where whole groups are held out. */
  readonly groups?: Int32Array;
}

/** Draws of fewer groups than this differ too little: the intervals would be far too narrow. */
const FEWEST_GROUPS = 10;
/** Slices are looked for among this many rows at most. */
const MOST_SLICED = 50_000;
const SLICING = 6;
const SLICE_LIMITS = { bins: 5, categories: 20 };
const FAIR_LIMITS = { bins: 4, categories: 10 };

/** Deterministic for equal evidence, while there is time for all of it. Throws when aborted. */
export const supervisedReport = async (evidence: SupervisedEvidence): Promise<EvaluationReport> => {
  const { target, rows, of, seed, sections } = evidence;
  const basis = basicReport({ ...evidence, task: target.task, testRows: rows.length });
  const classes = target.task === 'classification' ? [...target.classes] : [];
  const report: EvaluationReport = { ...basis, classes, rows: { of, count: rows.length } };
  if (rows.length === 0) return withFindings(report, NOTHING_HELD_OUT);
  const unknown = evidence.sensitive.filter(
    (name) => !evidence.table.columns.some(({ spec }) => spec.name === name),
  );
  const view = target.task === 'regression' ? ofNumbers(evidence, target) : ofLabels(evidence, target);
  const blocks = evidence.groups && groupBlocks(evidence.groups);
  const few = blocks !== undefined && blocks.count < FEWEST_GROUPS;
  const metrics = few
    ? withoutIntervals(view.sample)
    : await sections.make('metrics', () =>
        bootstrapMetrics(view.sample, seed, sections.signal, blocks?.draw),
      );
  const slices = await sections.make('slices', () => slicesSection(evidence, view));
  const explained = await sections.make('explanations', () => explanations(evidence));
  return withFindings(report, {
    metrics: metrics ?? {},
    ...view.sections,
    conformal: conformalSection(evidence),
    slices,
    fairness: fairnessSection(evidence, view),
    ...explained,
    leftOut: [
      ...(few ? [{ section: 'intervals of metrics', why: fewGroups(blocks.count) }] : []),
      ...unknown.map((name) => ({ section: 'fairness', why: `the data has no column ${name}` })),
      ...(explained?.leftOut ?? []),
    ],
  });
};

const fewGroups = (count: number): string =>
  `rows of one group are drawn together; ${count} groups are held out, and intervals need ${FEWEST_GROUPS}`;

/** What regressions and classifications have each in their own way. */
interface View {
  readonly sample: Sample;
  readonly sections: Partial<EvaluationReport>;
  readonly metric: 'mae' | 'errorRate';
  /** One a row, what `metric` is the mean of. */
  readonly errors: Float64Array;
  readonly fairness: (groups: GroupedColumn) => EvaluationReport['fairness'][number];
}

const ofNumbers = ({ rows, served }: SupervisedEvidence, target: RegressionTarget): View => {
  const predicted = served.predictions as Float32Array;
  const actual = Float64Array.from(rows, (row) => target.values[row]);
  return {
    sample: regressionSample(predicted, actual),
    sections: { residuals: residuals(predicted, actual) ?? null },
    metric: 'mae',
    errors: actual.map((value, i) => Math.abs(predicted[i] - value)),
    fairness: (groups) => regressionFairness(groups, predicted, actual),
  };
};

const ofLabels = ({ rows, served, post }: SupervisedEvidence, target: ClassificationTarget): View => {
  const { classes } = target;
  const probabilities = served.probabilities ?? new Float32Array(0);
  const codes = Int32Array.from(rows, (row) => target.codes[row]);
  const decided = decide(probabilities, classes.length, post.costs);
  const said = reliability(probabilities, codes, classes.length);
  return {
    sample: classificationSample(probabilities, codes, classes.length, decided),
    sections: {
      calibration: said
        ? { chosen: post.calibration, logLoss: { ...post.logLoss }, reliability: said }
        : null,
      decision: post.costs
        ? {
            costs: post.costs.map((row) => [...row]),
            threshold: classes.length === 2 ? thresholdOf(post.costs) : null,
            meanCost: meanCost(decided, codes, post.costs),
            meanCostOfMostProbable: meanCost(decide(probabilities, classes.length), codes, post.costs),
          }
        : null,
      confusion: confusion(decided, codes, classes),
    },
    metric: 'errorRate',
    errors: Float64Array.from(decided, (label, i) => (label === codes[i] ? 0 : 1)),
    fairness: (groups) => classificationFairness(groups, decided, codes, classes),
  };
};

const conformalSection = ({
  post,
  served,
  target,
  rows,
}: SupervisedEvidence): EvaluationReport['conformal'] => {
  if (post.conformal === undefined) return null;
  const coverage = post.levels.map((fit) => coverageOf(fit, served, target, rows));
  return { fit: post.conformal, coverage: coverage.filter((one) => one !== undefined) };
};

/** Every column but the target and free text, whether or not the model reads it. */
const slicesSection = async (
  { table, rows, targetName, seed, sections }: SupervisedEvidence,
  { errors, metric }: View,
): Promise<EvaluationReport['slices']> => {
  const places = drawn(rows.length, MOST_SLICED, seed, SLICING);
  const sliced = places.map((place) => rows[place]);
  const columns = table.columns
    .filter(({ spec, kind }) => spec.name !== targetName && kind !== 'text')
    .map((column) => ({ column: column.spec.name, ...groupsOf(column, sliced, SLICE_LIMITS) }));
  return worstSlices(
    Float64Array.from(places, (place) => errors[place]),
    columns,
    metric,
    sections.signal,
  );
};

const fairnessSection = (
  { table, rows, sensitive }: SupervisedEvidence,
  { fairness }: View,
): EvaluationReport['fairness'] =>
  sensitive
    .filter((name) => table.columns.some(({ spec }) => spec.name === name))
    .map((name) => fairness({ column: name, ...groupsOf(columnNamed(table, name), rows, FAIR_LIMITS) }));
