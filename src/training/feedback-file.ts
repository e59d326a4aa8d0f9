import { Readable } from 'node:stream';
import { Failure, WITHOUT_TARGET } from '../../contracts';
import type { ModelSignature, ScenarioId } from '../../contracts';
import type { TenantContext } from '../platform/context';
import type { TenantTx } from '../platform/database';
import type { ObjectCatalogue, ObjectKey, ObjectStore } from '../platform/object-store';
import type { FeedbackSource } from './ports';

const MAX_FEEDBACK_BYTES = 2 * 1024 ** 3;

/** Fails with STATE_CONFLICT where feedback cannot become rows of the data that a model was trained on. */
export const requireJoinable = ({ task, window }: ModelSignature): void => {
  const nothingNew = WITHOUT_TARGET.includes(task);
  // What orders a sequence is among the columns that the model reads; what tells sequences apart is not.
  const homeless = task === 'forecast' || window?.group != null;
  if (!nothingNew && !homeless) return;
  throw new Failure(
    'STATE_CONFLICT',
    nothingNew
      ? `feedback says nothing new to a ${task}`
      : 'feedback does not say to which series a row belongs, and where',
    { hint: 'declare a dataset version with the new rows and start a training on it' },
  );
};

/**
 * Writes the scenario's feedback as JSON lines `{values, actual}` for a merge task. Fails with STATE_CONFLICT when there is
 * none. The file is kept with `tx`; when `tx` fails, the catalogue's sweep removes it after `ttlMs`.
 */
export const writeFeedback = async (
  tx: TenantTx,
  ctx: TenantContext,
  parts: { store: ObjectStore; catalogue: ObjectCatalogue; feedback: FeedbackSource },
  scenarioId: ScenarioId,
  ttlMs: number,
): Promise<ObjectKey> => {
  const rows = parts.feedback.export(tx, ctx, scenarioId)[Symbol.asyncIterator]();
  const first = await rows.next();
  if (first.done === true) {
    throw new Failure('STATE_CONFLICT', 'there is no feedback to learn from in this scenario yet', {
      hint: 'send what turned out to be true with submitFeedback, then retrain',
    });
  }
  async function* lines() {
    for (let next = first; next.done !== true; next = await rows.next()) {
      const { values, actual } = next.value;
      yield `${JSON.stringify({ values, actual })}\n`;
    }
  }
  const key = await parts.catalogue.mintOutside(ctx, 'feedback', { ttlMs });
  const stored = await parts.store.put(key, Readable.from(lines(), { objectMode: true }), {
    maxBytes: MAX_FEEDBACK_BYTES,
  });
  await parts.catalogue.markStored(tx, key, stored);
  await parts.catalogue.retain(tx, { key, ...stored });
  return key;
};
