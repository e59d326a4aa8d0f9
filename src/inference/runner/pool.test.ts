import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pino } from 'pino';
import type { Failure, TenantId } from '../../../contracts';
import { ModelShelf, endlessModel, hugeModel, linearModel, pickyModel, slowModel } from '../testing/models';
import type { ServedFile } from './model-files';
import { RunnerPool } from './pool';

const ENTRY = resolve(__dirname, '../../../dist/src/inference/runner.main.js');
const TENANT = '01900000-0000-7000-8000-000000000001' as TenantId;
const MB = 1024 * 1024;
const TIMEOUT_MS = 1500;

const shelf = new ModelShelf();
const start = (
  changes: Partial<{ runners: number; timeoutMs: number; memoryBytes: number; cacheBytes: number }> = {},
) =>
  RunnerPool.start({
    runners: changes.runners ?? 1,
    limits: {
      timeoutMs: changes.timeoutMs ?? TIMEOUT_MS,
      memoryBytes: changes.memoryBytes ?? 768 * MB,
      cacheBytes: changes.cacheBytes ?? 64 * MB,
    },
    openFile: shelf.open,
    log: pino({ level: 'silent' }),
    entry: ENTRY,
  });
const ask = (pool: RunnerPool, file: ServedFile, ...values: number[]) =>
  pool.run(file, { rows: values.length, columns: { x: Float64Array.from(values) } });
const numbers = async (answer: ReturnType<typeof ask>) =>
  Array.from((await answer).outputs['prediction'].values as Float32Array);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: Failure) => error.code,
  );
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('runner processes', () => {
  let pool: RunnerPool;
  beforeEach(async () => {
    pool = await start();
    await pool.ready();
  });
  afterEach(async () => {
    const { pids } = pool;
    await pool.stop();
    expect(pids.filter(alive)).toEqual([]);
  });

  test('answer, and keep sessions', async () => {
    const file = shelf.add(TENANT, linearModel(2));
    expect(await numbers(ask(pool, file, 1, 2, -3))).toEqual([3, 5, -5]);
    expect(await numbers(ask(pool, file, 10))).toEqual([21]);
    expect(shelf.reads.get(file.onnx.key)).toBe(1);
  });

  test('requests that arrive while a run is under way share the next one, each with its own rows and time', async () => {
    const file = shelf.add(TENANT, slowModel(20_000));
    await ask(pool, file, 0);
    const before = { ...pool.counts };
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(pool, file, i, i + 0.5)));
    answers.forEach((answer, i) =>
      expect(Array.from(answer.outputs['prediction'].values as Float32Array)).toEqual([i, i + 0.5]),
    );
    expect(pool.counts.requests - before.requests).toBe(40);
    expect(pool.counts.runs - before.runs).toBeLessThanOrEqual(2);
    expect(answers.every((answer) => answer.computeNs > 0n)).toBe(true);
  });

  test('an endless model is stopped within 2 s of its limit while a neighbour goes on', async () => {
    const endless = shelf.add(TENANT, endlessModel());
    const good = shelf.add(TENANT, linearModel(3));
    await ask(pool, good, 1);
    const started = Date.now();
    const verdict = codeOf(ask(pool, endless, 1));
    let answered = 0;
    let slowest = 0;
    let done = false;
    void verdict.then(() => (done = true));
    while (!done) {
      const from = Date.now();
      expect(await numbers(ask(pool, good, answered))).toEqual([Math.fround(3 * answered + 1)]);
      slowest = Math.max(slowest, Date.now() - from);
      answered++;
      await pause(5);
    }
    expect(await verdict).toBe('MODEL_TIMEOUT');
    expect(Date.now() - started).toBeLessThan(TIMEOUT_MS + 2000);
    expect(answered).toBeGreaterThan(20);
    expect(slowest).toBeLessThan(TIMEOUT_MS - 300);
    // Replaced at once: the full number of processes is there again.
    await pause(300);
    expect(pool.pids.filter(alive)).toHaveLength(2);
    expect(await numbers(ask(pool, good, 1))).toEqual([4]);
  });

  test('many endless models at once hold a neighbour up only until a further process is there', async () => {
    const good = shelf.add(TENANT, linearModel(4));
    await ask(pool, good, 1);
    const endless = Array.from({ length: 3 }, (_, i) => shelf.add(TENANT, slowModel(2 ** 52 + 2 * i)));
    const verdicts = endless.map((file) => codeOf(ask(pool, file, 1)));
    await pause(50);
    const from = Date.now();
    expect(await numbers(ask(pool, good, 2))).toEqual([9]);
    expect(Date.now() - from).toBeLessThan(TIMEOUT_MS + 2000);
    expect(await Promise.all(verdicts)).toEqual(['MODEL_TIMEOUT', 'MODEL_TIMEOUT', 'MODEL_TIMEOUT']);
  });

  test('a model that wants 8 GB is answered and its process replaced, and its neighbour goes on', async () => {
    const huge = shelf.add(TENANT, hugeModel());
    const good = shelf.add(TENANT, linearModel(5));
    await ask(pool, good, 1);
    const { pids } = pool;
    const started = Date.now();
    const [code, neighbour] = await Promise.all([codeOf(ask(pool, huge, 1)), numbers(ask(pool, good, 1))]);
    expect(code).toBe('MODEL_OUT_OF_MEMORY');
    expect(neighbour).toEqual([6]);
    expect(Date.now() - started).toBeLessThan(TIMEOUT_MS + 2000);
    await pause(100);
    expect(pids.filter(alive)).toHaveLength(1);
  });

  test('values that break a shared run are answered alone, the others get their answers', async () => {
    const picky = shelf.add(TENANT, pickyModel());
    await ask(pool, picky, 0);
    const [first, bad, good] = await Promise.all([
      codeOf(ask(pool, picky, 0)),
      codeOf(ask(pool, picky, -1)),
      numbers(ask(pool, picky, 2)),
    ]);
    expect([first, bad, good]).toEqual(['answered', 'MODEL_FAILED', [7]]);
  });

  test('a file that is not the registered one is refused', async () => {
    const file = shelf.add(TENANT, linearModel(6));
    shelf.replace(file, linearModel(7));
    expect(await codeOf(ask(pool, file, 1))).toBe('MODEL_FAILED');
    const longer = shelf.add(TENANT, linearModel(8));
    shelf.replace(longer, new Uint8Array(10_000));
    expect(await codeOf(ask(pool, longer, 1))).toBe('MODEL_FAILED');
  });
});

test('a request whose process is killed from outside is answered by the replacement', async () => {
  const pool = await start({ timeoutMs: 20_000 });
  try {
    const file = shelf.add(TENANT, slowModel(100_000));
    await ask(pool, file, 1);
    const answer = numbers(ask(pool, file, 7));
    await pause(20);
    process.kill(pool.pids[0], 'SIGKILL'); // the one that holds the session
    expect(await answer).toEqual([7]);
  } finally {
    await pool.stop();
  }
});

test('open sessions are bounded in bytes: the least recently used one makes room', async () => {
  const pool = await start({ cacheBytes: 2 * MB });
  try {
    const files = Array.from({ length: 8 }, (_, i) => shelf.add(TENANT, linearModel(100 + i)));
    for (const round of [1, 2])
      for (const [i, file] of files.entries())
        expect(await numbers(ask(pool, file, round))).toEqual([(100 + i) * round + 1]);
  } finally {
    await pool.stop();
  }
});

test('resident memory is watched too, where the kernel limit does not bite', async () => {
  const pool = await start({ memoryBytes: 20 * MB });
  // A process that may have 20 MB cannot even start: it is killed or refused, again and again, never answered.
  const file = shelf.add(TENANT, linearModel(9));
  const answer = codeOf(ask(pool, file, 1));
  await pause(500);
  await pool.stop();
  expect(await answer).toBe('UNAVAILABLE');
});

test('no runner outlives its gateway, not even one that computes for ever', async () => {
  const script = `
    const { RunnerPool } = require(${JSON.stringify(ENTRY.replace('runner.main.js', 'runner/pool.js'))});
    const { Readable } = require('node:stream');
    const bytes = Buffer.from(process.argv[1], 'base64');
    const sha256 = require('node:crypto').createHash('sha256').update(bytes).digest('hex');
    (async () => {
      const pool = await RunnerPool.start({ runners: 1, limits: { timeoutMs: 60000, memoryBytes: 1e9, cacheBytes: 1e8 },
        openFile: async () => Readable.from([bytes]), log: { warn() {}, error() {} } });
      await pool.ready();
      pool.run({ tenantId: 't', onnx: { key: 'k', sha256, sizeBytes: bytes.length } }, { rows: 1, columns: { x: new Float64Array(1) } });
      setTimeout(() => process.stdout.write(JSON.stringify(pool.pids)), 700);
    })();`;
  const gateway = spawn(process.execPath, ['-e', script, Buffer.from(endlessModel()).toString('base64')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [out] = (await once(gateway.stdout, 'data')) as [Buffer];
  const pids = JSON.parse(out.toString()) as number[];
  expect(pids.every(alive)).toBe(true);
  gateway.kill('SIGKILL');
  await once(gateway, 'exit');
  const until = Date.now() + 3000;
  const running = (pid: number) => alive(pid) && !isZombie(pid);
  while (pids.some(running) && Date.now() < until) await pause(50);
  expect(pids.filter(running)).toEqual([]);
});

const isZombie = (pid: number): boolean => {
  if (!existsSync(`/proc/${pid}`) && process.platform === 'linux') return true;
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)])
      .toString()
      .startsWith('Z');
  } catch {
    return true;
  }
};
