/** A platform as `npm start` runs it, in a folder of its own, with a key: what the benchmarks measure. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import type { Client as SocketClient } from 'graphql-ws';
import WebSocket from 'ws';
import { bootstrap } from '../src/embedded/first-start';
import { Client } from '../src/embedded/loop/client';
import { startEmbedded } from '../src/embedded/platform';

export interface Served {
  readonly client: Client;
  /** An open socket, as a program that follows its jobs keeps one. */
  readonly socket: SocketClient;
  /** A folder for the benchmark's own files. */
  readonly folder: string;
  stop(): Promise<void>;
}

export const serve = async (): Promise<Served> => {
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-bench-'));
  const platform = await startEmbedded({
    dataDir: join(folder, 'data'),
    port: 0,
    env: process.env,
    tell: () => undefined,
  });
  const { apiKey } = await bootstrap(platform);
  const socket = createClient({
    url: platform.endpoint.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${apiKey}` },
    lazy: false,
  });
  return {
    client: new Client(platform.endpoint, apiKey),
    socket,
    folder,
    stop: async () => {
      await socket.dispose();
      await platform.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** What a job's subscriber sees, each with the moment (`performance.now()`) at which it came. */
export interface JobSight {
  readonly atMs: number;
  readonly state: string;
  readonly phase: string | null;
  readonly epochs: number;
  readonly modelVersionId: string | null;
  readonly problem: string | null;
}

interface Progress {
  readonly jobProgress: {
    readonly phase: string | null;
    readonly job: {
      readonly state: string;
      readonly modelVersionId: string | null;
      readonly error: { readonly code: string; readonly message: string } | null;
    };
    readonly epochs: readonly { readonly epoch: number; readonly loss: number }[];
  };
}

/** Follows a job to its end, through the GraphQL subscription. */
export async function* follow(socket: SocketClient, jobId: string): AsyncGenerator<JobSight> {
  const query = `subscription Follow($jobId: ID!) {
    jobProgress(jobId: $jobId) {
      phase
      job { state modelVersionId error { code message } }
      epochs { epoch loss }
    }
  }`;
  for await (const message of socket.iterate<Progress>({ query, variables: { jobId } })) {
    const atMs = performance.now();
    const error = message.errors?.[0];
    if (error || !message.data) throw new Error(error?.message ?? 'no data');
    const { job, phase, epochs } = message.data.jobProgress;
    const { state, modelVersionId } = job;
    const problem = job.error === null ? null : `${job.error.code}: ${job.error.message}`;
    yield { atMs, state, phase, epochs: epochs.length, modelVersionId, problem };
  }
}
