/** The promises that must hold however the platform was killed. Pure: evidence in, violations out. */
import type { Evidence, UsageRow } from './evidence';

export interface Violation {
  readonly promise: string;
  readonly about: string;
}

const groupBy = <T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
};

const ENDED = ['SUCCEEDED', 'FAILED', 'CANCELED'];

type Report = (promise: string, about: string) => void;

const checkJobs = (evidence: Evidence, report: Report): void => {
  const jobs = groupBy(evidence.jobs, (job) => job.id);
  const submitted = groupBy(evidence.submitted, ({ jobId }) => jobId);
  const versions = groupBy(evidence.modelVersions, ({ jobId }) => jobId);
  for (const [jobId, [first]] of submitted) {
    const found = jobs.get(jobId) ?? [];
    if (found.length === 0) report('an accepted job is not lost', jobId);
    else if (found.some((job) => job.tenantId !== first?.tenantId))
      report('a job stays with its tenant', jobId);
  }
  for (const job of evidence.jobs) {
    const made = versions.get(job.id)?.length ?? 0;
    if (!submitted.has(job.id)) report('one submission makes one job', job.id);
    if (!ENDED.includes(job.state)) report('every job ends', `${job.id} is ${job.state}`);
    if (job.taskState !== job.state) report('a job and its task end alike', `${job.id}: ${job.taskState}`);
    if (made > 1) report('at most one model version a job', `${job.id} has ${made}`);
    if (job.state === 'SUCCEEDED' && made !== 1) report('a job that succeeded made its version', job.id);
    if (job.state !== 'SUCCEEDED' && made !== 0) report('only a job that succeeded made a version', job.id);
  }
  for (const [id, found] of jobs) if (found.length > 1) report('a job is there once', id);
  for (const { jobId, state } of evidence.endings)
    if (jobs.get(jobId)?.[0]?.state !== state)
      report('a terminal state never changes', `${jobId} was ${state}`);
};

const checkPredictions = (evidence: Evidence, report: Report): void => {
  const billable = evidence.usage.filter((row) => row.kind === 'prediction' && row.reversalOf === null);
  const events = groupBy(billable, ({ id }) => id);
  const keys = groupBy(billable, ({ tenantId, key }) => `${tenantId} ${key}`);
  const reversed = new Set(evidence.usage.map(({ reversalOf }) => reversalOf));
  const logged = new Set(evidence.predictions.map(({ tenantId, id }) => `${tenantId} ${id}`));
  for (const { tenantId, id } of evidence.answered) {
    const found = events.get(id) ?? [];
    if (found.length !== 1)
      report('an answered prediction has exactly one usage event', `${id} has ${found.length}`);
    for (const event of found) {
      if (event.tenantId !== tenantId) report('usage stays with its tenant', id);
      if (event.reason !== 'billable') report('an answered prediction is billable', id);
    }
    if (reversed.has(id)) report('an answered prediction is not reversed', id);
    if (!logged.has(`${tenantId} ${id}`)) report('an answered prediction is in the log', id);
  }
  for (const [id, found] of groupBy(evidence.answered, ({ id }) => id))
    if (found.length > 1) report('an id is given to one prediction', id);
  for (const [key, found] of keys) if (found.length > 1) report('a usage key counts once', key);
};

const checkTraining = (evidence: Evidence, report: Report): void => {
  const events = evidence.usage.filter(({ kind }) => kind === 'training');
  const byJob = groupBy(events, ({ jobId }) => jobId ?? '');
  for (const job of evidence.jobs) {
    const billed = (byJob.get(job.id) ?? []).filter(({ reason }) => reason === 'billable').length;
    const due = job.state === 'SUCCEEDED' ? 1 : 0;
    if (billed !== due) report('a training is billed once when it succeeded', `${job.id}: ${billed}`);
  }
  for (const [key, found] of groupBy(events, ({ tenantId, key }) => `${tenantId} ${key}`))
    if (found.length > 1) report('an attempt is recorded once', key);
};

const checkStorage = (evidence: Evidence, report: Report): void => {
  const states = new Map(evidence.datasetVersions.map(({ id, state }) => [id, state]));
  for (const { versionId } of evidence.sealed)
    if (states.get(versionId) !== 'SEALED') report('a sealed dataset stays sealed', versionId);
  const byKey = groupBy(
    evidence.usage.filter(({ kind }) => kind === 'storage'),
    ({ tenantId, key }) => `${tenantId} ${key}`,
  );
  const take = (tenantId: string, key: string): UsageRow[] => {
    const found = byKey.get(`${tenantId} ${key}`) ?? [];
    byKey.delete(`${tenantId} ${key}`);
    return found;
  };
  for (const { tenantId, key, sizeBytes } of evidence.objects) {
    const created = take(tenantId, `created:${key}`);
    if (created.length !== 1) report('a kept file is recorded once', `${key}: ${created.length}`);
    for (const { bytesDelta } of created)
      if (bytesDelta !== sizeBytes) report('a file is recorded with its size', key);
  }
  // What is left was deleted since: both events are there, once each.
  for (const [key, found] of byKey) {
    const other = key.includes(' created:')
      ? key.replace(' created:', ' deleted:')
      : key.replace(' deleted:', ' created:');
    if (found.length !== 1 || byKey.get(other)?.length !== 1)
      report('what is recorded as stored is there', key);
  }
};

/** Empty when every promise was kept. */
export const check = (evidence: Evidence): Violation[] => {
  const violations: Violation[] = [];
  const report: Report = (promise, about) => violations.push({ promise, about });
  checkJobs(evidence, report);
  checkPredictions(evidence, report);
  checkTraining(evidence, report);
  checkStorage(evidence, report);
  for (const gap of evidence.gaps) report('no usage number is missing', gap);
  if (evidence.deadLetters > 0) report('every usage message is understood', String(evidence.deadLetters));
  if (evidence.wrongSums > 0) report('running sums equal their events', String(evidence.wrongSums));
  for (const orphan of evidence.orphans) report('no process is left behind', orphan);
  for (const surprise of evidence.surprises) report('only an absence may be in the way', surprise);
  return violations;
};
