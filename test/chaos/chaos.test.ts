import { randomInt } from 'node:crypto';
import { runChaos } from '../../bench/chaos/run';

describe('kill -9', () => {
  it('of any part at any moment loses nothing and doubles nothing', async () => {
    const seed = randomInt(2 ** 31);
    const told: string[] = [];
    const report = await runChaos({ killsOfEach: 5, seed, tell: (line) => told.push(line) });
    // What was told stands in the failure, the seed first: `npm run bench:chaos -- --seed N` plays its moments again.
    expect({ told, broken: report.violations }).toEqual({ told, broken: [] });
    expect(report.kills).toEqual({ worker: 5, gateway: 5, nats: 5, postgres: 5 });
    expect(report.duringJobs).toBeGreaterThan(0);
    expect(report.jobs['SUCCEEDED']).toBeGreaterThan(2);
    expect(report.answered).toBeGreaterThan(50);
  }, 420_000);
});
