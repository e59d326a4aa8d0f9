import { check } from '../../bench/chaos/check';
import type { Evidence, UsageRow } from '../../bench/chaos/evidence';

const usage = (row: Partial<UsageRow> & Pick<UsageRow, 'id' | 'kind' | 'key'>): UsageRow => ({
  tenantId: 'one',
  reason: 'billable',
  jobId: null,
  bytesDelta: null,
  reversalOf: null,
  ...row,
});

const file = { tenantId: 'one', key: 't/one/onnx/a', sizeBytes: '70' };

/** A run in which every promise was kept. */
const kept: Evidence = {
  submitted: [
    { tenantId: 'one', jobId: 'made' },
    { tenantId: 'one', jobId: 'gave up' },
  ],
  endings: [{ jobId: 'made', state: 'SUCCEEDED' }],
  answered: [{ tenantId: 'one', id: 'p1' }],
  sealed: [{ tenantId: 'one', versionId: 'd1' }],
  surprises: [],
  jobs: [
    { tenantId: 'one', id: 'made', state: 'SUCCEEDED', taskState: 'SUCCEEDED' },
    { tenantId: 'one', id: 'gave up', state: 'FAILED', taskState: 'FAILED' },
  ],
  modelVersions: [{ id: 'v1', jobId: 'made' }],
  datasetVersions: [{ id: 'd1', state: 'SEALED' }],
  usage: [
    usage({ id: 'p1', kind: 'prediction', key: 'p1' }),
    usage({ id: 'p2', kind: 'prediction', key: 'p2' }), // stored, and the answer was lost with the gateway
    usage({ id: 'r2', kind: 'prediction', key: 'reversal:p2', reversalOf: 'p2' }),
    usage({ id: 't1', kind: 'training', key: 'task/1', reason: 'platform_fault', jobId: 'made' }),
    usage({ id: 't2', kind: 'training', key: 'task/2', jobId: 'made' }),
    usage({ id: 's1', kind: 'storage', key: `created:${file.key}`, bytesDelta: '70' }),
  ],
  predictions: [{ tenantId: 'one', id: 'p1' }],
  objects: [file],
  gaps: [],
  deadLetters: 0,
  wrongSums: 0,
  orphans: [],
};

const [answer] = kept.usage;
const [job] = kept.jobs;
if (!answer || !job) throw new Error('no evidence');
const without = (id: string): UsageRow[] => kept.usage.filter((row) => row.id !== id);

describe('the checker of chaos runs', () => {
  it('finds nothing where every promise was kept', () => {
    expect(check(kept)).toEqual([]);
  });

  const planted: readonly (readonly [string, Partial<Evidence>, string])[] = [
    ['a lost job', { jobs: [job] }, 'an accepted job is not lost'],
    ['a doubled submission', { submitted: kept.submitted.slice(0, 1) }, 'one submission makes one job'],
    [
      'a job that never ends',
      { jobs: kept.jobs.map((each) => ({ ...each, state: 'RUNNING' })) },
      'every job ends',
    ],
    [
      'a job that ended twice',
      { endings: [...kept.endings, { jobId: 'made', state: 'FAILED' }] },
      'a terminal state never changes',
    ],
    [
      'a second model version',
      { modelVersions: [...kept.modelVersions, { id: 'v2', jobId: 'made' }] },
      'at most one model version a job',
    ],
    ['a lost model version', { modelVersions: [] }, 'a job that succeeded made its version'],
    ['a lost usage event', { usage: without('p1') }, 'an answered prediction has exactly one usage event'],
    [
      'a doubled usage event',
      { usage: [...kept.usage, answer] },
      'an answered prediction has exactly one usage event',
    ],
    ['a doubled usage key', { usage: [...kept.usage, { ...answer, id: 'p9' }] }, 'a usage key counts once'],
    ['a lost answer', { predictions: [] }, 'an answered prediction is in the log'],
    [
      'an answer taken back',
      {
        usage: [...kept.usage, usage({ id: 'r1', kind: 'prediction', key: 'reversal:p1', reversalOf: 'p1' })],
      },
      'an answered prediction is not reversed',
    ],
    [
      'usage of another tenant',
      { usage: [...without('p1'), { ...answer, tenantId: 'other' }] },
      'usage stays with its tenant',
    ],
    ['an unbilled training', { usage: without('t2') }, 'a training is billed once when it succeeded'],
    [
      'a training billed twice',
      { usage: [...kept.usage, usage({ id: 't3', kind: 'training', key: 'task/3', jobId: 'made' })] },
      'a training is billed once when it succeeded',
    ],
    ['an unrecorded file', { usage: without('s1') }, 'a kept file is recorded once'],
    ['a file recorded for nothing', { objects: [] }, 'what is recorded as stored is there'],
    ['a wrong size', { objects: [{ ...file, sizeBytes: '71' }] }, 'a file is recorded with its size'],
    ['a missing number', { gaps: ['gateway {[3,4)}'] }, 'no usage number is missing'],
    ['a wrong sum', { wrongSums: 1 }, 'running sums equal their events'],
    ['a process left behind', { orphans: ['node runner.main.js'] }, 'no process is left behind'],
    ['an unexplained answer', { surprises: ['an unexpected error'] }, 'only an absence may be in the way'],
  ];
  it.each(planted)('finds %s', (_name, fault, promise) => {
    expect(check({ ...kept, ...fault }).map((violation) => violation.promise)).toContain(promise);
  });
});
