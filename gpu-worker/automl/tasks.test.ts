/** A search sent out as tasks, each in a folder of its own, ends in the file of a search in one process. */
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutoSpec } from '../../contracts';
import type {
  ProfilePayload,
  ProfileResult,
  SearchPayload,
  SearchShape,
  Sha256,
  TrialPayload,
  TrialReport,
} from '../../contracts';
import { randomKey, randomUnit } from '../../onnx';
import { runProfile } from '../data';
import type { TrainingIo } from '../task-io';
import { runSearch, runTrials } from '.';

const SEARCH = AutoSpec.parse({
  ...{ family: 'auto', seconds: null, trials: 6, folds: 3, families: ['linear', 'trees'] },
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelmint-search-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string) => ({ url: join(folder, name), key: name });
const from = (key: string) => ({ url: join(folder, key), sha256: null, sizeBytes: null });

/** Files by path in place of signed URLs. */
const ioOf = async (told: TrialReport[]): Promise<TrainingIo> => {
  const scratchDir = await mkdtemp(join(folder, 'task-'));
  return {
    scratchDir,
    leftMs: () => Infinity,
    signal: new AbortController().signal,
    fetch: async ({ url }, name) => {
      await copyFile(url, join(scratchDir, name));
      return join(scratchDir, name);
    },
    store: async ({ url, key }, content) => {
      const bytes = 'path' in content ? await readFile(content.path) : content.bytes;
      await writeFile(url, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
      return { key, sha256, sizeBytes: bytes.length };
    },
    progress: (_phase, _fraction, detail) => told.push(...(detail?.trials ?? [])),
    loadCheckpoint: () => Promise.resolve(null),
    offerCheckpoint: () => undefined,
  };
};

/** y = 3a + noise, 300 rows. */
const sealed = async (): Promise<ProfileResult> => {
  const lines = Array.from({ length: 300 }, (_, i) => {
    const [a, noise] = [1, 2].map((stream) => randomUnit(randomKey(4, stream), i));
    return `${a?.toFixed(4)},${((a ?? 0) * 3 + (noise ?? 0)).toFixed(4)}`;
  });
  await writeFile(join(folder, 'rows.csv'), `a,y\n${lines.join('\n')}\n`);
  return runProfile(
    {
      ...{ kind: 'profile', datasetVersionId: '', source: from('rows.csv'), format: 'csv', target: 'y' },
      ...{ task: null, holdout: null, holdoutFraction: 0.2, salt: 's', sealed: at('sealed') },
    } as ProfilePayload,
    await ioOf([]),
  );
};

const payloadOf = ({ columns, holdout }: ProfileResult, workers: number): SearchPayload =>
  ({
    ...{ kind: 'search', jobId: 'job', modelVersionId: 'version', data: from('sealed'), columns },
    ...{ target: 'y', task: 'regression', holdout, exclude: [], spec: SEARCH, seed: 3, device: null },
    ...{ onnx: at('model.onnx'), golden: at('golden.json'), champion: null },
    budget: { totalMs: null, leftMs: null, computeLeftMs: null, trialsLeft: 6, workers },
    ...{ shape: null, trials: [] },
  }) as unknown as SearchPayload;

/** Plays the control plane: search, trials, search, ... */
const sentOut = async (first: SearchPayload): Promise<{ sha256: string; told: TrialReport[] }> => {
  const told: TrialReport[] = [];
  const trials: SearchPayload['trials'] = [];
  let { shape } = first;
  for (;;) {
    const budget = { ...first.budget, trialsLeft: 6 - trials.length };
    const { next } = await runSearch({ ...first, shape, budget, trials }, await ioOf(told));
    if (next.step === 'done') return { sha256: next.manifest.onnx.sha256, told };
    shape = next.shape;
    for (const message of next.messages) {
      const placed = message.trials.map((trial) => ({
        trial,
        files: {
          model: at(`${trial.id}.model`),
          predictions: at(`${trial.id}.predictions`),
          inputs: at(`${trial.id}.inputs`),
        },
      }));
      const asked = { ...first, kind: 'trial', trials: placed, stopInMs: null } as unknown as TrialPayload;
      const { trials: reports } = await runTrials(asked, await ioOf(told));
      for (const report of reports) {
        const files = report.state === 'done' ? report.files : null;
        trials.push({
          report,
          files: files && {
            model: from(files.model.key),
            predictions: from(files.predictions.key),
            inputs: from(files.inputs.key),
          },
        });
      }
    }
  }
};

it('a search of many tasks ends in the bytes of a search in one, and reports every trial', async () => {
  const profiled = await sealed();
  const news: TrialReport[] = [];
  const alone = await runSearch(payloadOf(profiled, 1), await ioOf(news));
  if (alone.next.step !== 'done') throw new Error('one worker does it alone');
  const shape: SearchShape = {
    ...{ task: 'regression', rows: alone.next.manifest.data.trainRows, numbers: 1, categories: 0, times: 0 },
    ...{ width: 1, classes: 0, split: 'random', folds: 6 },
  };
  const { sha256, told } = await sentOut({ ...payloadOf(profiled, 2), shape });
  expect(sha256).toBe(alone.next.manifest.onnx.sha256);
  const states = (reports: readonly TrialReport[]): string[] =>
    reports.map(
      (report) => `${report.state} ${('trial' in report ? report.trial : report.outcome.trial).id}`,
    );
  expect(states(told)).toEqual(states(news));
  const done = told.flatMap((report) => (report.state === 'done' ? [report] : []));
  expect(done.length).toBeGreaterThan(3);
  for (const { score } of done) {
    expect(score.metric).toBe('rmse');
    expect(score.low).toBeLessThan(score.high);
  }
}, 60_000);

it('a short search stays in its task, though there are workers', async () => {
  const profiled = await sealed();
  const { next } = await runSearch(payloadOf(profiled, 4), await ioOf([]));
  expect(next.step).toBe('done');
}, 60_000);
