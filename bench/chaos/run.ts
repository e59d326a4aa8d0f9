/** Kills parts of a running platform at seeded random moments while two tenants train and predict, then checks. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { housePrices } from '../../src/embedded/loop/house-prices';
import { startPlatform } from '../../test/support/platform';
import type { TestPlatform } from '../../test/support/platform';
import { addTenant } from '../../test/support/tenant';
import { shuffled, uniform } from '../random';
import { sleep } from '../work';
import { check } from './check';
import type { Violation } from './check';
import { findInDatabase, missingFromLedger } from './evidence';
import { TenantLoad, together } from './load';
import { descendants, leftOf } from './processes';

export const VICTIMS = ['worker', 'gateway', 'nats', 'postgres'] as const;
export type VictimName = (typeof VICTIMS)[number];

interface Victim {
  readonly pid: number;
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface ChaosOptions {
  /** Kills of each part. */
  readonly killsOfEach: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

export interface ChaosReport {
  readonly kills: Readonly<Record<VictimName, number>>;
  /** Kills that hit while a training was under way. */
  readonly duringJobs: number;
  readonly jobs: Readonly<Record<string, number>>;
  readonly answered: number;
  readonly refused: number;
  readonly usageEvents: number;
  readonly violations: readonly Violation[];
  readonly seconds: number;
}

const ROWS = 400;
const LONGEST_PAUSE_MS = 1200;
const LONGEST_ABSENCE_MS = 600;
const SETTLE_MS = 30_000;

const victimsOf = (platform: TestPlatform): Record<VictimName, Victim> => {
  const { postgres, workers, gateway, nats } = platform;
  const [worker] = workers;
  if (!postgres || !worker) throw new Error('chaos needs a PostgreSQL of its own and a worker');
  return { worker, gateway, nats, postgres };
};

class Killer {
  readonly orphans: string[] = [];
  readonly kills: Record<VictimName, number> = { worker: 0, gateway: 0, nats: 0, postgres: 0 };
  duringJobs = 0;
  private readonly random: () => number;

  constructor(
    private readonly victims: Record<VictimName, Victim>,
    private readonly loads: readonly TenantLoad[],
    private readonly options: ChaosOptions,
  ) {
    this.random = uniform(options.seed, 1);
  }

  async killAll(): Promise<void> {
    const { killsOfEach } = this.options;
    const order = shuffled(
      VICTIMS.flatMap((name) => Array.from({ length: killsOfEach }, () => name)),
      this.random,
    );
    for (const name of order) {
      await sleep(50 + this.random() * LONGEST_PAUSE_MS);
      await this.killOne(name, this.random() < 0.5 ? 0 : this.random() * LONGEST_ABSENCE_MS);
    }
  }

  private async killOne(name: VictimName, absenceMs: number): Promise<void> {
    const victim = this.victims[name];
    if (this.loads.some(({ active }) => active > 0)) this.duringJobs++;
    const from = performance.now();
    const children = descendants(victim.pid);
    await victim.kill();
    this.kills[name]++;
    for (const { command } of await leftOf(children, 5000))
      this.orphans.push(`${command} outlived the ${name} that started it`);
    await sleep(absenceMs);
    await victim.start();
    this.options.tell(`kill -9 ${name}, ready again after ${Math.round(performance.now() - from)} ms`);
  }
}

const settled = async (superuserUrl: string, loads: readonly TenantLoad[]): Promise<void> => {
  const { answered } = together(loads);
  const until = Date.now() + SETTLE_MS;
  while ((await missingFromLedger(superuserUrl, answered)) > 0 && Date.now() < until) await sleep(200);
  await sleep(500); // what else the consumer has in hand, such as reversals
};

/** The last error that the gateway could not name: ids and codes, never values. */
const errorsOf = (log: string): string =>
  log
    .split('\n')
    .filter((line) => /"level":50/.test(line) && line.includes('"code":"INTERNAL"'))
    .at(-1) ?? 'nothing logged';

const countBy = (values: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
};

/** Starts a platform, lets two tenants work, kills, waits until all has settled, and checks every promise. */
export const runChaos = async (options: ChaosOptions): Promise<ChaosReport> => {
  const from = performance.now();
  options.tell(`seed ${options.seed}, ${options.killsOfEach} kills of each of ${VICTIMS.join(', ')}`);
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-chaos-'));
  const csv = join(folder, 'houses.csv');
  writeFileSync(csv, housePrices(ROWS, options.seed));
  const env = { MM_LEASE_MS: '3000', MM_HEARTBEAT_MS: '500' };
  const platform = await startPlatform({ ownPostgres: true, env });
  try {
    const tenants = [platform, await addTenant(platform, 'second tenant')];
    const explain = (answer: string): void =>
      options.tell(`surprise: ${answer}; ${errorsOf(platform.gateway.log())}`);
    const loads = tenants.map((tenant) => new TenantLoad(platform.endpoint, tenant, csv, explain));
    const victims = victimsOf(platform);
    await Promise.all(loads.map((load) => load.prepare()));
    options.tell(`two tenants work after ${Math.round((performance.now() - from) / 1000)} s`);
    for (const load of loads) load.start();
    const killer = new Killer(victims, loads, options);
    try {
      await killer.killAll();
    } finally {
      options.tell('all kills done; waiting until everything has come to its end');
      await Promise.all(loads.map((load) => load.stop()));
    }
    const { superuserUrl } = platform.database;
    await settled(superuserUrl, loads);
    const seen = together(loads);
    const found = await findInDatabase(superuserUrl);
    const all = Object.values(victims).flatMap(({ pid }) => descendants(pid));
    await platform.stop();
    const left = (await leftOf(all, 5000)).map(({ command }) => `${command} outlived the platform`);
    const violations = check({ ...seen, ...found, orphans: [...killer.orphans, ...left] });
    return {
      kills: killer.kills,
      duringJobs: killer.duringJobs,
      jobs: countBy(found.jobs.map(({ state }) => state)),
      answered: seen.answered.length,
      refused: loads.reduce((sum, { refused }) => sum + refused, 0),
      usageEvents: found.usage.length,
      violations,
      seconds: (performance.now() - from) / 1000,
    };
  } finally {
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};
