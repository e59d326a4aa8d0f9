/** Messages as they are on the wire, for ever: what one release wrote, the next one reads. Files are never changed. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import * as contracts from '../../contracts';

const folder = join(__dirname, 'golden');
const messages = {
  TaskReady: contracts.TaskReady,
  ClaimRequest: contracts.ClaimRequest,
  ClaimReply: contracts.ClaimReply,
  Progress: contracts.Progress,
  Heartbeat: contracts.Heartbeat,
  HeartbeatReply: contracts.HeartbeatReply,
  Finish: contracts.Finish,
  FinishReply: contracts.FinishReply,
  CheckpointRequest: contracts.CheckpointRequest,
  CheckpointReply: contracts.CheckpointReply,
  ControlError: contracts.ControlError,
  Cancel: contracts.Cancel,
  UsageBatch: contracts.UsageBatch,
  GoldenRows: contracts.GoldenRows,
  EvaluationReport: contracts.EvaluationReport,
} satisfies Record<string, z.ZodType>;

const files = readdirSync(folder).sort();
const schemaOf = (file: string): z.ZodType => {
  const name = file.split('.')[0] ?? '';
  const found = Object.entries(messages).find(([known]) => known === name);
  if (found === undefined) throw new Error(`no message is called ${name}`);
  return found[1];
};
const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'));

/** Every object inside a message, with the way to it. */
const objectsIn = (
  value: unknown,
  path: string[] = [],
): { path: string[]; at: Record<string, unknown> }[] => {
  if (value === null || typeof value !== 'object') return [];
  const inner = Object.entries(value).flatMap(([key, each]) => objectsIn(each, [...path, key]));
  return Array.isArray(value) ? inner : [{ path, at: value as Record<string, unknown> }, ...inner];
};

it('every message has a golden form', () => {
  expect(new Set(files.map((file) => file.split('.')[0]))).toEqual(new Set(Object.keys(messages)));
});

describe.each(files)('%s', (file) => {
  it('is read without loss', () => {
    const body = read(file);
    // What a later release has a default for is added; nothing of what was said is lost.
    expect(schemaOf(file).parse(body)).toMatchObject(body as object);
  });

  it('is read with a field that a later release adds', () => {
    const body = structuredClone(read(file)) as Record<string, unknown>;
    expect(() => schemaOf(file).parse({ ...body, addedLater: { deep: [1] } })).not.toThrow();
  });

  it('is refused in a version that this release does not know', () => {
    const body = read(file) as Record<string, unknown>;
    expect(() => schemaOf(file).parse({ ...body, v: 99 })).toThrow();
  });
});

it('a message without one of its fields is refused', () => {
  const optional = new Set(['hint', 'actuals']);
  for (const file of files.filter((name) =>
    /^(TaskReady|ClaimRequest|CheckpointRequest|Heartbeat|Finish|Cancel)\./.test(name),
  )) {
    for (const key of Object.keys(read(file) as object)) {
      if (optional.has(key)) continue;
      const body = structuredClone(read(file)) as Record<string, unknown>;
      delete body[key];
      expect([file, key, schemaOf(file).safeParse(body).success]).toEqual([file, key, false]);
    }
  }
});

it('ids in messages are checked', () => {
  for (const bad of ['', '../x', "'; drop table", '0190A000-0000-7000-8000-000000000001']) {
    const body = { ...(read('TaskReady.ready.json') as object), tenantId: bad };
    expect(contracts.TaskReady.safeParse(body).success).toBe(false);
  }
});

it('a 64-bit token stays text: no number ever holds it', () => {
  for (const file of files) {
    for (const { at } of objectsIn(read(file))) {
      for (const key of ['fence', 'computeNs', 'producerSeq', 'bytesDelta']) {
        if (key in at && at[key] !== null) expect(typeof at[key]).toBe('string');
      }
    }
  }
});
