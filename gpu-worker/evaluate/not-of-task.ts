import type { EvaluationReport, LearningTask } from '../../contracts';

/** Why the sections that are about a known answer a row are missing; tasks that have them are missing here. */
const WHY: Partial<Record<LearningTask, string>> = {
  forecast: 'it is made where a row has one answer; a forecast has one for every step ahead',
  anomaly: 'it is made where the right answer of every row is known',
  clustering: 'it is made where the right answer of every row is known',
  synthesis: 'rows are made up, and nothing is answered about those that are there',
};
const SECTIONS = ['slices', 'importance', 'shapley', 'partialDependence'];

/** Sections that a task does not have. `sensitive`: columns that fairness was asked for. */
export const notOfTask = (task: LearningTask, sensitive: readonly string[]): EvaluationReport['leftOut'] => {
  const why = WHY[task];
  if (why === undefined) return [];
  const ignored =
    sensitive.length === 0 ? '' : `; named sensitive and not looked at: ${sensitive.join(', ')}`;
  return [
    ...SECTIONS.map((section) => ({ section, why })),
    { section: 'fairness', why: `${why}${ignored}` },
    ...(task === 'clustering' || task === 'synthesis'
      ? [{ section: 'conformal', why: 'there is no truth that an answer could miss' }]
      : []),
  ];
};
