import { Agent, request } from 'node:http';

export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Any other answer ends the benchmark: it would count errors as speed. */
  readonly isAnswer: (text: string) => boolean;
}

export interface Load {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Keeps `concurrent` requests under way for `seconds`, over connections that stay open; the first tenth is not counted. */
export const load = async (target: Target, concurrent: number, seconds: number): Promise<Load> => {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrent });
  const started = performance.now();
  const from = started + seconds * 100;
  const until = started + seconds * 1000;
  const latencies: number[] = [];
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      const asked = performance.now();
      const text = await post(agent, target);
      if (!target.isAnswer(text)) throw new Error(`not an answer: ${text.slice(0, 300)}`);
      const answered = performance.now();
      if (asked >= from && answered <= until) latencies.push(answered - asked);
    }
  };
  await Promise.all(Array.from({ length: concurrent }, one));
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (part: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? NaN;
  return { perSecond: latencies.length / ((until - from) / 1000), p50Ms: at(0.5), p99Ms: at(0.99) };
};

const post = (agent: Agent, { url, headers, body }: Target): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString()));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
