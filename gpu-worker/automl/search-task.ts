/** One step of a search whose trials are tasks of their own. */
import { z } from 'zod';
import { ModelSignature, isSearched } from '../../contracts';
import type { SearchPayload, SearchResult, SearchShape, TrialOutcome, TrialSpec } from '../../contracts';
import type { Table } from '../data';
import type { TrainingIo } from '../task-io';
import { openSealed, readBytes, runTrain } from '../train';
import type { Sealed, Searcher } from '../train';
import { assemble } from './assemble';
import type { TrialArtefact } from './assemble';
import { expectedSeconds, paceOf } from './expected-seconds';
import { openProblem } from './open-problem';
import { assembleSeconds, planSearch } from './plan';
import { outcomeOf, reportOf } from './report';
import { floatsOf } from './saved-search';
import { openSearch, trainAuto } from './train-auto';

/** Seconds below which a whole search, or a message of trials, is over sooner than it would travel. */
const SHORT_SEARCH = 20;
const SHORT_MESSAGE = 2;

/**
 * Looks at the data once; then sends out the next rung, or makes the model of what the trials brought. A short search,
 * one that no second worker could help with, and families that are tried in turn run in this task as a whole.
 */
export const runSearch = async (payload: SearchPayload, io: TrainingIo): Promise<SearchResult> => {
  const { spec, budget } = payload;
  const helped = budget.workers > 1 && isSearched(payload);
  const first = payload.shape === null;
  const sealed = first && helped ? await openSealed(payload, io) : undefined;
  const shape = payload.shape ?? (sealed === undefined ? null : shapeOf(sealed.table, payload, io));
  if (shape === null) return whole(payload, io);
  const outcomes = payload.trials.flatMap(({ report }) => outcomeOf(report));
  const planned = planSearch({ spec, shape, outcomes, budget });
  if (first && expectedOf(planned, outcomes, shape) < SHORT_SEARCH) return whole(payload, io, sealed);
  if (planned.length === 0) return joined(payload, io);
  return {
    kind: 'search',
    next: {
      step: 'trials',
      messages: messagesOf(planned, outcomes, shape),
      shape,
      assembleMs: 1000 * assembleSeconds(budget, shape, outcomes),
    },
  };
};

const shapeOf = (table: Table, payload: SearchPayload, io: TrainingIo): SearchShape => {
  const { data } = openProblem(table, payload, io.signal);
  return openSearch(data, payload.spec, payload.seed).shape;
};

const expectedOf = (
  trials: readonly TrialSpec[],
  outcomes: readonly TrialOutcome[],
  shape: SearchShape,
): number => {
  const pace = paceOf(outcomes, shape);
  return trials.reduce((sum, trial) => sum + pace(trial) * expectedSeconds(trial, shape), 0);
};

/** One trial a message, short ones together. */
const messagesOf = (
  planned: readonly TrialSpec[],
  outcomes: readonly TrialOutcome[],
  shape: SearchShape,
): { trials: TrialSpec[]; expectedMs: number }[] => {
  const messages: { trials: TrialSpec[]; expectedMs: number }[] = [];
  for (const trial of planned) {
    const expectedMs = 1000 * expectedOf([trial], outcomes, shape);
    const last = messages.at(-1);
    if (last !== undefined && last.expectedMs + expectedMs < 1000 * SHORT_MESSAGE) {
      last.trials.push(trial);
      last.expectedMs += expectedMs;
    } else messages.push({ trials: [trial], expectedMs });
  }
  return messages;
};

/** The whole search in this process, within what is left of the budget. */
const whole = async (payload: SearchPayload, io: TrainingIo, sealed?: Sealed): Promise<SearchResult> => {
  const { trialsLeft } = payload.budget;
  const latest = await io.loadCheckpoint();
  const search: Searcher = (data, spec, context) =>
    trainAuto(
      data,
      {
        ...spec,
        seconds: isLimited(payload) ? io.leftMs() / 1000 : null,
        trials: Math.max(1, Math.min(spec.trials ?? trialsLeft, trialsLeft)),
      },
      { ...context, checkpoints: { latest, offer: (state) => io.offerCheckpoint(state) } },
      { tell: (news) => io.progress('TUNING', 0, { trials: [reportOf(news, data.target)] }) },
    );
  return made(payload, io, search, sealed);
};

const isLimited = ({ budget: { leftMs, computeLeftMs } }: SearchPayload): boolean =>
  leftMs !== null || computeLeftMs !== null;

/** The model out of the files of the trials. */
const joined = (payload: SearchPayload, io: TrainingIo): Promise<SearchResult> =>
  made(payload, io, async (data, spec, context) => {
    const artefacts = await fetched(payload, io);
    const { folded } = openSearch(data, spec, payload.seed);
    return assemble(folded, artefacts, context);
  });

const made = async (
  payload: SearchPayload,
  io: TrainingIo,
  search: Searcher,
  sealed?: Sealed,
): Promise<SearchResult> => {
  const { manifest } = await runTrain(
    { ...payload, kind: 'train', ...(isLimited(payload) && { stopInMs: io.leftMs() }) },
    io,
    search,
    sealed,
  );
  return { kind: 'search', next: { step: 'done', manifest } };
};

const Inputs = ModelSignature.shape.inputs;

const fetched = async ({ trials }: SearchPayload, io: TrainingIo): Promise<TrialArtefact[]> => {
  const artefacts: TrialArtefact[] = [];
  for (const { report, files } of trials) {
    if (report.state !== 'done' || files === null) continue;
    const { id } = report.outcome.trial;
    const read = async (name: keyof typeof files): Promise<Uint8Array> =>
      readBytes(await io.fetch(files[name], `trial-${id}-${name}`));
    const inputs: unknown = JSON.parse(Buffer.from(await read('inputs')).toString('utf8'));
    artefacts.push({
      outcome: { ...report.outcome, inputs: z.parse(Inputs, inputs) },
      files: { onnx: await read('model'), predictions: floatsOf(await read('predictions')) },
    });
  }
  return artefacts;
};
