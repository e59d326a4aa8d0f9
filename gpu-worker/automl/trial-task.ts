/** Trials that this worker took: each is reported, with its files stored, as soon as it is done. */
import { Failure } from '../../contracts';
import type { TrialFiles, TrialPayload, TrialReport, TrialResult, TrialSpec } from '../../contracts';
import { chooseEngine } from '../engine/engine';
import type { TrainingIo } from '../task-io';
import { openSealed } from '../train';
import { openProblem } from './open-problem';
import { reportOf } from './report';
import { bytesOf } from './saved-search';
import { openSearch } from './train-auto';
import { runTrial } from './trial';
import type { TrialFiles as MadeFiles } from './trial';

/** Fails with the codes of contracts/failure.ts, CANCELED when `io.signal` is aborted. */
export const runTrials = async (payload: TrialPayload, io: TrainingIo): Promise<TrialResult> => {
  const started = performance.now();
  const secondsLeft = (): number =>
    payload.stopInMs === null ? Infinity : (payload.stopInMs - (performance.now() - started)) / 1000;
  const { table } = await openSealed(payload, io);
  const { data } = openProblem(table, payload, io.signal);
  const { folded } = openSearch(data, payload.spec, payload.seed);
  const engine = await chooseEngine(payload.device, payload.engine);
  const reports: TrialReport[] = [];
  const count = payload.trials.length;
  try {
    for (const [at, { trial, files: places }] of payload.trials.entries()) {
      const limited = within(trial, secondsLeft());
      io.progress('TUNING', at / count, { trials: [reportOf(limited, data.target)] });
      const { outcome, files } = await runTrial(folded, limited, {
        ...{ seed: payload.seed, engine, signal: io.signal, clock: () => performance.now() },
        progress: (fraction) => io.progress('TUNING', (at + fraction) / count),
      });
      const inputs = outcome.status === 'done' ? outcome.inputs : [];
      const stored = files === null ? null : await storedFiles(files, inputs, places, io);
      const report = reportOf(outcome, data.target, stored);
      reports.push(report);
      io.progress('TUNING', (at + 1) / count, { trials: [report] });
    }
  } catch (error) {
    if (io.signal.aborted) throw new Failure('CANCELED', 'the training was canceled', { cause: error });
    throw error;
  }
  return { kind: 'trial', trials: reports };
};

/** A trial that comes when the time is up still gives what the first moments bring. */
const LEAST_SECONDS = 0.01;

const within = (trial: TrialSpec, secondsLeft: number): TrialSpec => {
  const seconds = Math.max(LEAST_SECONDS, Math.min(trial.seconds ?? Infinity, secondsLeft));
  return { ...trial, seconds: Number.isFinite(seconds) ? seconds : null };
};

const storedFiles = async (
  { onnx, predictions }: MadeFiles,
  inputs: unknown,
  places: TrialPayload['trials'][number]['files'],
  io: TrainingIo,
): Promise<TrialFiles> => ({
  model: await io.store(places.model, { bytes: onnx }),
  predictions: await io.store(places.predictions, { bytes: bytesOf(predictions) }),
  inputs: await io.store(places.inputs, { bytes: Buffer.from(JSON.stringify(inputs)) }),
});
