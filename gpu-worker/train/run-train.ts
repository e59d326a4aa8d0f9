/** One training task from sealed data to a stored, verified model version. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../../contracts';
import type { Sha256, TrainPayload, TrainResult } from '../../contracts';
import { readSealed } from '../data';
import type { Table } from '../data';
import type { TaskIo, TrainingIo } from '../task-io';
import { storeModel } from './store-model';
import { trainTable } from './train-table';
import type { Searcher } from './train-table';

/** Of a limited time; the rest is for evaluation and export. The longer trees are grown, the more of them answer. */
const LEARNING_SHARE = 0.7;
const GROWING_SHARE = 0.35;

/** The sealed rows of a training or of a part of one, and what names them. */
export interface Sealed {
  readonly table: Table;
  readonly sha256: Sha256;
}

/**
 * Trains `payload.spec`, verifies the exported file against the trainer on held-out rows, and stores it. Fails with
 * the codes of contracts/failure.ts, CANCELED when `io.signal` is aborted; nothing is stored unless it was verified.
 * `sealed`: its rows, where they are read already.
 */
export const runTrain = async (
  payload: TrainPayload,
  io: TrainingIo,
  search?: Searcher,
  sealed?: Sealed,
): Promise<TrainResult> => {
  const { stopInMs } = payload;
  const share = payload.spec.family === 'trees' ? GROWING_SHARE : LEARNING_SHARE;
  const { table, sha256 } = sealed ?? (await openSealed(payload, io));
  const champion =
    payload.champion === null
      ? null
      : await readBytes(await io.fetch(payload.champion.onnx, 'champion.onnx'));
  try {
    const made = await trainTable(table, payload, {
      signal: io.signal,
      progress: (phase, fraction, detail) => io.progress(phase, fraction, detail),
      champion,
      checkpoints: { latest: await io.loadCheckpoint(), offer: (state) => io.offerCheckpoint(state) },
      leftMs: () => io.leftMs(),
      ...(search && { search }),
      ...(stopInMs !== undefined && {
        enough: () => io.leftMs() < stopInMs * (1 - share),
      }),
    });
    return { kind: 'train', manifest: await storeModel(made, sha256, payload, io) };
  } catch (error) {
    if (io.signal.aborted) throw new Failure('CANCELED', 'the training was canceled', { cause: error });
    throw error;
  }
};

export const openSealed = async (
  payload: Pick<TrainPayload, 'data' | 'columns' | 'target' | 'exclude' | 'holdout'>,
  io: Pick<TaskIo, 'fetch' | 'progress'>,
): Promise<Sealed> => {
  io.progress('FETCHING', 0);
  const path = await io.fetch(payload.data, 'data.parquet');
  const sha256 = payload.data.sha256 ?? (await fileSha256(path));
  const wanted = readColumns(payload);
  const table = await readSealed(path, payload.columns, wanted);
  for (const name of leftOut(table, wanted))
    io.progress('PREPARING', 0, { message: `${name} holds more text than memory; it is left out` });
  return { table, sha256 };
};

/** A text or a picture that may neither be learned from nor tells the groups apart would only fill the memory. */
const readColumns = ({
  columns,
  target,
  exclude,
  holdout,
}: Pick<TrainPayload, 'columns' | 'target' | 'exclude' | 'holdout'>): ReadonlySet<string> => {
  const needed = [target, holdout.kind === 'group' ? holdout.column : null];
  return new Set(
    columns
      .filter(
        ({ name, type }) =>
          needed.includes(name) || (type !== 'text' && type !== 'image') || !exclude.includes(name),
      )
      .map(({ name }) => name),
  );
};

/** Names of text columns that are too long to be read. */
const leftOut = (table: Table, wanted: ReadonlySet<string>): string[] => {
  const read = new Set(table.columns.map(({ spec }) => spec.name));
  return [...wanted].filter((name) => !read.has(name));
};

export const readBytes = async (path: string): Promise<Uint8Array> => {
  const parts: Buffer[] = [];
  for await (const part of createReadStream(path)) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

const fileSha256 = async (path: string): Promise<Sha256> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') as Sha256;
};
