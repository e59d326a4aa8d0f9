/** The golden requests over real NATS: the gateway answers each in a form that the worker reads. */
import { JSONCodec, connect } from 'nats';
import type { NatsConnection } from 'nats';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CheckpointReply,
  ClaimReply,
  ControlError,
  FinishReply,
  HeartbeatReply,
  subject,
} from '../../contracts';
import { stage } from '../../src/training/testing/stage';
import type { Stage } from '../../src/training/testing/stage';

let s: Stage;
let nats: NatsConnection;
const codec = JSONCodec<unknown>();
beforeAll(async () => {
  s = await stage();
  const url = new URL(s.nats.url);
  nats = await connect({ servers: url.host, user: url.username, pass: url.password });
});
afterAll(async () => {
  await nats.close();
  await s.close();
});

const golden = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(__dirname, 'golden', name), 'utf8')) as Record<string, unknown>;
const ask = async (to: string, body: unknown): Promise<unknown> =>
  codec.decode((await nats.request(to, codec.encode(body), { timeout: 5000 })).data);

it('of tasks that are not there', async () => {
  expect(ClaimReply.parse(await ask(subject.claim, golden('ClaimRequest.claim.json')))).toEqual({
    v: 1,
    outcome: 'never',
  });
  const place = await ask(subject.checkpoint, golden('CheckpointRequest.place.json'));
  expect(CheckpointReply.parse(place).outcome).toBe('lost');
  const beat = await ask(subject.heartbeat, golden('Heartbeat.epochs.json'));
  expect(HeartbeatReply.parse(beat).outcome).toBe('lost');
  for (const kind of [
    'profile',
    'merge',
    'train',
    'pack',
    'search-trials',
    'search-done',
    'trial',
    'failed',
    'canceled',
    'released',
  ]) {
    const reply = await ask(subject.finish, golden(`Finish.${kind}.json`));
    expect(FinishReply.parse(reply).outcome).toBe('lost');
  }
});

it('of a task that is there: claim, heartbeat, finish', async () => {
  const version = await s.seal(s.a);
  const job = await s.start(s.a, version.id);
  const ids = { tenantId: s.a.tenantId, taskId: job.taskId };
  const reply = ClaimReply.parse(await ask(subject.claim, { ...golden('ClaimRequest.claim.json'), ...ids }));
  if (reply.outcome !== 'granted') throw new Error(reply.outcome);
  expect(reply.payload.kind).toBe('train');
  const mine = { ...ids, fence: reply.fence };
  const beat = golden('Heartbeat.epochs.json');
  const progress = { ...(beat['progress'] as object), ...mine };
  expect(HeartbeatReply.parse(await ask(subject.heartbeat, { ...beat, ...mine, progress })).outcome).toBe(
    'kept',
  );
  await expect(s.training.history(s.a.ctx, job.id)).resolves.toHaveLength(2);
  const finish = { ...golden('Finish.failed.json'), ...mine };
  expect(FinishReply.parse(await ask(subject.finish, finish)).outcome).toBe('recorded');
  await expect(s.training.get(s.a.ctx, job.id)).resolves.toMatchObject({
    state: 'FAILED',
    errorCode: 'TARGET_CONSTANT',
  });
});

it.each([
  ['nothing', null],
  ['a text', 'claim me'],
  ['a number', 7],
  ['no ids', { v: 1 }],
  ['a foreign form', { ...golden('Finish.failed.json'), outcome: { status: 'won' } }],
])('%s is answered as not understood', async (_what, body) => {
  for (const to of [subject.claim, subject.heartbeat, subject.finish]) {
    expect(ControlError.parse(await ask(to, body))).toEqual({ v: 1, outcome: 'error', code: 'BAD_INPUT' });
  }
});
