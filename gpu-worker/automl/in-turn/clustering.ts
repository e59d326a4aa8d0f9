/** Groups of which kind, and how many: the mean silhouette of rows that were not learned from says. */
import { GaussianMixtureSpec, KMeansSpec } from '../../../contracts';
import { decide } from '../../calibrate/decision';
import { silhouette } from '../../evaluate/clustering';
import type { TrainingContext, TrainingData } from '../../family/data';
import { mostClusters } from '../../family/k-means/choose-clusters';
import { STANDARD } from '../../prepare/encoding';
import type { Contest } from './in-turn';

/** Of which the silhouette takes all. */
const MOST_JUDGED = 2000;
/** In place of the silhouette of rows that all fell into one group. */
const WORST = -1;

export const clusteringContest = async (
  data: TrainingData,
  { seed, signal }: Pick<TrainingContext, 'seed' | 'signal'>,
): Promise<Contest> => {
  const { preparation } = await data.prepared(STANDARD);
  const judged = data.validation.subarray(0, MOST_JUDGED);
  const points = await data.matrix(preparation, judged);
  const counts = Array.from({ length: mostClusters(data.training.length) - 1 }, (_, at) => at + 2);
  return {
    candidates: counts.flatMap((clusters) => [
      KMeansSpec.parse({ family: 'k-means', clusters }),
      GaussianMixtureSpec.parse({ family: 'gaussian-mixture', clusters }),
    ]),
    errors: async (trained) => {
      const shares = await trained.predict(judged, signal);
      const groups = decide(shares, shares.length / judged.length);
      return [1 - ((await silhouette(points, groups, seed, signal)) ?? WORST)];
    },
  };
};
