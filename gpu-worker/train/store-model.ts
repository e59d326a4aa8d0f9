import { canonicalJson } from '../../contracts';
import type { ModelManifest, Sha256, TrainPayload } from '../../contracts';
import { modelCardMarkdown } from '../evaluate/model-card';
import type { TaskIo } from '../task-io';
import type { MadeModel } from './train-table';

/**
 * Stores a verified model with its golden rows, its evaluation report (JSON) and its model card (Markdown); the last two
 * where there is a place for them. `sha256`: of the data that it learned from.
 */
export const storeModel = async (
  made: MadeModel,
  sha256: Sha256,
  places: Pick<TrainPayload, 'onnx' | 'golden' | 'evaluation' | 'card'>,
  io: Pick<TaskIo, 'store'>,
): Promise<ModelManifest> => {
  const manifest: ModelManifest = {
    v: 1,
    onnx: await io.store(places.onnx, { bytes: made.onnx }),
    golden: await io.store(places.golden, { bytes: Buffer.from(canonicalJson(made.golden)) }),
    ...made.manifest,
    data: { sha256, ...made.rows },
  };
  const report = Buffer.from(canonicalJson(made.evaluation));
  const card = Buffer.from(modelCardMarkdown(made.evaluation, manifest));
  return {
    ...manifest,
    ...(places.evaluation && { evaluation: await io.store(places.evaluation, { bytes: report }) }),
    ...(places.card && { card: await io.store(places.card, { bytes: card }) }),
  };
};
