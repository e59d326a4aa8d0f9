import { pino } from 'pino';
import { startNats } from '../../test/support/nats';
import type { TestNats } from '../../test/support/nats';
import { Messaging } from './messaging';
import { Pulse } from './pulse';

let nats: TestNats;
let messaging: Messaging;
let pulse: Pulse;

const until = async (holds: () => boolean): Promise<void> => {
  for (const from = Date.now(); !holds();) {
    if (Date.now() - from > 15_000) throw new Error('waited for 15 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

beforeAll(async () => {
  const log = pino({ level: 'silent' });
  nats = await startNats();
  messaging = await Messaging.connect(nats.url, 'test', log);
  pulse = new Pulse(messaging, 'gateway', log);
  pulse.start();
});
afterAll(async () => {
  pulse.stop();
  await messaging.close();
  await nats.stop();
});

it('trusts nothing from before its first beat, and what is read after it', async () => {
  const before = pulse.now();
  await until(() => pulse.alive);
  expect([pulse.trusts(before), pulse.trusts(pulse.now())]).toEqual([false, true]);
});

it('trusts nothing while NATS stands still, and all of it again when what was late has come', async () => {
  const readAtMs = pulse.now();
  process.kill(nats.pid, 'SIGSTOP');
  try {
    await until(() => !pulse.alive);
    expect(pulse.trusts(readAtMs)).toBe(false);
  } finally {
    process.kill(nats.pid, 'SIGCONT');
  }
  await until(() => pulse.alive);
  expect(pulse.trusts(readAtMs)).toBe(true);
});

it('trusts nothing from before a break of the connection, however short, from the next beat on', async () => {
  const readAtMs = pulse.now();
  await nats.kill();
  await nats.start();
  await until(() => !pulse.trusts(readAtMs));
  await until(() => pulse.trusts(pulse.now()));
  expect([messaging.breaks > 0, pulse.trusts(readAtMs)]).toEqual([true, false]);
});
