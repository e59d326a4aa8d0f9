/** For tests: the merge of a retrain as a worker makes it, played by hand. */
import type { MergePayload } from '../../../contracts';
import type { Grant, Stage } from './stage';

/** Writes `bytes` as the merged rows and reports them. */
export const finishMerge = async (s: Stage, merge: Grant<MergePayload>, bytes = Buffer.from('merged')) => {
  const sealed = await s.write(merge.payload.sealed, bytes);
  await s.succeed(merge, {
    kind: 'merge',
    ...{ rows: 12, holdoutRows: 2, addedRows: 2, profile: [], warnings: [] },
    sealed,
  });
  return sealed;
};
