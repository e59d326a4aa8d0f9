import type { SearchPayload, SearchResult } from '../../contracts';
import type { TrainingIo } from '../task-io';
import { runTrain } from '../train';

/** Tries the whole portfolio in this one task. */
export const runSearch = async (payload: SearchPayload, io: TrainingIo): Promise<SearchResult> => {
  const { manifest } = await runTrain({ ...payload, kind: 'train' }, io);
  return { kind: 'search', next: { step: 'done', manifest } };
};
