/** Tenants that train and predict without a pause, and remember what they were told. */
import { randomUUID } from 'node:crypto';
import { ApiError, Client } from '../../src/embedded/loop/client';
import { createScenario, deploy, isPassing, jobEnd, patiently, predict } from '../work';
import { sealDataset, sleep, startTraining } from '../work';
import type { AnsweredPrediction, SeenByClients } from './evidence';

/** Small enough that a job takes a second or two. */
const SPEC = { family: 'mlp', hidden: [16], epochs: 8 };
const BETWEEN_PREDICTIONS_MS = 30;
/** One upload for so many trainings. */
const TRAININGS_AN_UPLOAD = 4;

const ROWS = [
  { area: 70, rooms: 3, age: 20, district: 'Harbour', distance: 4, condition: 'good' },
  { area: 120, rooms: 5, age: null, district: 'Hillside', distance: 9.5, condition: 'fair' },
  { area: 45.5, rooms: 2, age: 60, district: 'Elsewhere', distance: null, condition: 'renovated' },
];

const describe = (error: unknown): string =>
  error instanceof ApiError ? `${error.code}: ${error.message}` : String(error);

export class TenantLoad {
  readonly seen = {
    submitted: [] as { tenantId: string; jobId: string }[],
    endings: [] as { jobId: string; state: string }[],
    answered: [] as AnsweredPrediction[],
    sealed: [] as { tenantId: string; versionId: string }[],
    surprises: [] as string[],
  } satisfies SeenByClients;
  /** Requests that had to be sent again, or were given up: the kills that were felt. */
  refused = 0;
  /** Trainings that are under way at the moment. */
  active = 0;
  private readonly client: Client;
  private stopped = false;
  private loops: Promise<void>[] = [];
  private datasetVersionId = '';
  private deploymentId = '';
  private scenarioId = '';

  constructor(
    endpoint: string,
    private readonly tenant: { readonly tenantId: string; readonly apiKey: string },
    private readonly csv: string,
    /** Called when an answer came that nothing being away explains. */
    private readonly surprised: (answer: string) => void,
  ) {
    this.client = new Client(endpoint, tenant.apiKey);
  }

  /** A scenario with sealed rows and a model that answers. */
  async prepare(): Promise<void> {
    const { client } = this;
    this.scenarioId = await createScenario(client, 'chaos', 'price');
    await this.upload();
    const choices = { datasetVersionId: this.datasetVersionId, spec: SPEC };
    const jobId = await startTraining(client, choices);
    this.seen.submitted.push({ tenantId: this.tenant.tenantId, jobId });
    const { modelVersion } = await jobEnd(client, jobId);
    if (modelVersion === null) throw new Error('the first training failed');
    this.deploymentId = await deploy(client, modelVersion.id, 'chaos');
  }

  start(): void {
    this.loops = [
      this.loop(() => this.trainOnce()),
      this.loop(() => this.predictOnce()),
      this.loop(() => this.predictUntilAnswered()),
    ];
  }

  /** Ends after what is under way has come to its end. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
  }

  private async loop(once: () => Promise<void>): Promise<void> {
    while (!this.stopped) {
      try {
        await once();
      } catch (error) {
        this.seen.surprises.push(describe(error));
        await sleep(200);
        this.surprised(describe(error));
      }
    }
  }

  private async upload(): Promise<void> {
    const versionId = await sealDataset(this.client, { scenarioId: this.scenarioId, path: this.csv });
    this.seen.sealed.push({ tenantId: this.tenant.tenantId, versionId });
    this.datasetVersionId = versionId;
  }

  /** False when every attempt fell to a kill: the platform says so after the last one, and the next upload is new. */
  private async uploaded(): Promise<boolean> {
    try {
      await this.upload();
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'ATTEMPTS_EXHAUSTED') return false;
      throw error;
    }
  }

  private async trainOnce(): Promise<void> {
    const { length } = this.seen.submitted;
    this.active++;
    try {
      if (length % TRAININGS_AN_UPLOAD === 0 && !(await this.uploaded())) return;
      const jobId = await startTraining(this.client, {
        datasetVersionId: this.datasetVersionId,
        spec: SPEC,
        seed: length,
      });
      this.seen.submitted.push({ tenantId: this.tenant.tenantId, jobId });
      const { state } = await jobEnd(this.client, jobId);
      this.seen.endings.push({ jobId, state });
    } finally {
      this.active--;
    }
  }

  /** Without a key of its own: what was not answered is given up. */
  private async predictOnce(): Promise<void> {
    await sleep(BETWEEN_PREDICTIONS_MS);
    try {
      const { id } = await predict(this.client, this.deploymentId, ROWS.slice(0, 1 + (this.refused % 3)));
      this.seen.answered.push({ tenantId: this.tenant.tenantId, id });
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.refused++;
    }
  }

  /** With a key of its own: the same request again and again until there is an answer. */
  private async predictUntilAnswered(): Promise<void> {
    await sleep(BETWEEN_PREDICTIONS_MS);
    const requestId = randomUUID();
    let tries = 0;
    const { id } = await patiently(() => {
      if (tries++ > 0) this.refused++;
      return predict(this.client, this.deploymentId, ROWS, requestId);
    });
    this.seen.answered.push({ tenantId: this.tenant.tenantId, id });
  }
}

/** What all tenants saw. */
export const together = (loads: readonly TenantLoad[]): SeenByClients => ({
  submitted: loads.flatMap(({ seen }) => seen.submitted),
  endings: loads.flatMap(({ seen }) => seen.endings),
  answered: loads.flatMap(({ seen }) => seen.answered),
  sealed: loads.flatMap(({ seen }) => seen.sealed),
  surprises: loads.flatMap(({ seen }) => seen.surprises),
});
