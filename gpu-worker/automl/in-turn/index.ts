import { Failure, GanSpec } from '../../../contracts';
import type { AutoSpec } from '../../../contracts';
import { isForecast, isSupervised } from '../../family/data';
import type { TrainingContext, TrainingData } from '../../family/data';
import type { Trained } from '../../family/trained';
import type { SupervisedTarget } from '../../prepare/target';
import { anomalyContest } from './anomaly';
import { clusteringContest } from './clustering';
import { forecastContest } from './forecast';
import { bestInTurn } from './in-turn';
import type { Contest } from './in-turn';
import { pictureContest } from './pictures';

/** As `isSearched` of the contracts says of the data before they are read. */
export const hasSearch = (data: TrainingData): data is TrainingData<SupervisedTarget> =>
  isSupervised(data) && data.table.images === undefined;

/** Fails with BAD_SPEC, and as the families do. */
export const trainInTurn = async (
  spec: AutoSpec,
  data: TrainingData,
  context: TrainingContext,
): Promise<Trained> => bestInTurn(spec, await contestOf(spec, data, context), data, context);

const contestOf = (
  spec: AutoSpec,
  data: TrainingData,
  context: TrainingContext,
): Contest | Promise<Contest> => {
  if (isForecast(data)) return forecastContest(spec, data, context.signal);
  refuseFolds(spec);
  if (isSupervised(data)) return pictureContest(data, context.signal);
  if (data.target.task === 'anomaly') return anomalyContest(data, context);
  if (data.target.task === 'clustering') return clusteringContest(data, context);
  return { candidates: [GanSpec.parse({ family: 'gan' })], errors: () => Promise.resolve([]) };
};

/** Rows that must not judge each other would, unsaid. */
const refuseFolds = ({ split, groupColumn, timeColumn }: AutoSpec): void => {
  const field = groupColumn !== undefined ? 'groupColumn' : timeColumn != null ? 'timeColumn' : 'split';
  if (field === 'split' && split === 'auto') return;
  throw new Failure('BAD_SPEC', `${field} is for tables with a known answer and without pictures`, {
    path: ['spec', field],
    hint: 'leave it out: rows are kept apart as the held-out ones of the dataset are, by chance, by time or by holdoutGroup',
  });
};
