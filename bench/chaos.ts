/** `npm run bench:chaos [-- --quick] [-- --seed N]`: kill -9 of worker, gateway, NATS and PostgreSQL, 20 times each. */
import { randomInt } from 'node:crypto';
import { runChaos, VICTIMS } from './chaos/run';
import { option } from './option';
import { writeResults } from './results';
import type { Figure } from './results';

const main = async (): Promise<void> => {
  const quick = process.argv.includes('--quick');
  const seed = Number(option('seed') ?? randomInt(2 ** 31));
  const killsOfEach = quick ? 3 : 20;
  const report = await runChaos({ killsOfEach, seed, tell: (line) => console.log(line) });
  const kills = VICTIMS.reduce((sum, name) => sum + report.kills[name], 0);
  console.log(
    `${kills} kills in ${report.seconds.toFixed(0)} s (${report.duringJobs} during trainings); jobs ${JSON.stringify(report.jobs)}; ` +
      `${report.answered} answered predictions, ${report.refused} refused or lost; ${report.usageEvents} usage events`,
  );
  for (const { promise, about } of report.violations) console.error(`BROKEN: ${promise}: ${about}`);
  const plain = (figure: string, value: number, unit: string): Figure => ({
    figure,
    value,
    unit,
    baseline: null,
    baselineValue: null,
    ratio: null,
    target: null,
    met: null,
  });
  writeResults(
    'chaos',
    [
      {
        ...plain(
          'promises broken (jobs, model versions, usage, log, storage, processes)',
          report.violations.length,
          '',
        ),
        target: '0',
        met: report.violations.length === 0,
      },
      plain(
        `kill -9 of worker, gateway, NATS and PostgreSQL, ${killsOfEach} each, seed ${seed}`,
        kills,
        'kills',
      ),
      plain('of them while a training was under way', report.duringJobs, 'kills'),
      plain(
        'trainings, each in one terminal state',
        Object.values(report.jobs).reduce((a, b) => a + b, 0),
        'jobs',
      ),
      plain('predictions answered, each with one usage event', report.answered, 'answers'),
      plain('predictions refused or without an answer meanwhile', report.refused, 'requests'),
    ],
    quick,
  );
  if (report.violations.length > 0) process.exitCode = 1;
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
