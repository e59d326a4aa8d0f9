/** `npm run demo`: the whole loop on a file of the user's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { TASKS } from '../../contracts';
import type { LearningTask } from '../../contracts';
import { bootstrap } from './first-start';
import { ApiError, Client } from './loop/client';
import { CannotGuess } from './loop/guess-task';
import { formatOf, playLoop } from './loop/play';
import { reportOf } from './loop/report';
import { Terminal } from './loop/terminal';
import { startEmbedded } from './platform';

const HELP = `Usage: npm run demo -- --data FILE --target COLUMN [options]

  --data FILE        CSV, TSV, JSON lines or Parquet
  --target COLUMN    what to predict
  --task TASK        regression or classification (default: what the target looks like)
  --predict N        held-out rows to predict and give feedback on (default 5)
  --out FILE         where the report goes (default report.json)
  --endpoint URL     a running platform, e.g. http://127.0.0.1:4000/graphql (or MODELMINT_URL)
  --key KEY          an API key of it (or MODELMINT_KEY)

Without --endpoint an embedded platform is started in a temporary folder, and stopped at the end.`;

class UsageError extends Error {}

interface Options {
  readonly data: string;
  readonly target: string;
  readonly task: LearningTask | undefined;
  readonly predict: number;
  readonly out: string;
  readonly running: { readonly endpoint: string; readonly key: string } | null;
}

const parseOptions = (args: readonly string[], env: NodeJS.ProcessEnv): Options | null => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: text,
      target: text,
      task: text,
      predict: { type: 'string', default: '5' },
      out: { type: 'string', default: 'report.json' },
      endpoint: text,
      key: text,
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  if (values.data === undefined || values.target === undefined)
    throw new UsageError('--data and --target are needed');
  const task = TASKS.find((known) => known === values.task);
  if (values.task !== undefined && task === undefined)
    throw new UsageError(`--task ${values.task}: one of ${TASKS.join(', ')}`);
  const predict = Number(values.predict);
  if (!Number.isInteger(predict) || predict < 0) throw new UsageError('--predict: expected a whole number');
  const endpoint = values.endpoint ?? env['MODELMINT_URL'];
  const key = values.key ?? env['MODELMINT_KEY'];
  if (endpoint !== undefined && key === undefined) throw new UsageError('--endpoint needs --key');
  return {
    data: resolve(values.data),
    target: values.target,
    task,
    predict,
    out: resolve(values.out),
    running: endpoint === undefined || key === undefined ? null : { endpoint, key },
  };
};

const play = async (options: Options, endpoint: string, key: string, ui: Terminal): Promise<void> => {
  const result = await playLoop(
    new Client(endpoint, key),
    {
      file: options.data,
      target: options.target,
      scenario: { name: `demo: ${basename(options.data)}` },
      ...(options.task === undefined ? {} : { task: options.task }),
      predictions: options.predict,
    },
    ui,
  );
  await writeFile(options.out, `${JSON.stringify(reportOf(result), null, 2)}\n`);
  ui.line('');
  ui.line(`report in ${options.out}`);
};

const run = async (options: Options): Promise<void> => {
  formatOf(options.data);
  await access(options.data).catch(() => {
    throw new UsageError(`there is no file ${options.data}`);
  });
  const ui = new Terminal(process.stdout);
  if (options.running !== null) return play(options, options.running.endpoint, options.running.key, ui);
  const dataDir = mkdtempSync(join(tmpdir(), 'modelmint-demo-'));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  ui.line('starting a platform of its own');
  try {
    const platform = await startEmbedded({
      dataDir,
      port: 0,
      env: process.env,
      tell: (line) => ui.line(line),
      signal: stop.signal,
    });
    const interrupted = new Promise<never>((_, reject) =>
      stop.signal.addEventListener('abort', () => reject(new UsageError('stopped')), { once: true }),
    );
    try {
      const { apiKey } = await bootstrap(platform);
      await Promise.race([play(options, platform.endpoint, apiKey, ui), platform.failed, interrupted]);
    } finally {
      await platform.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
};

const main = async (): Promise<number> => {
  try {
    const options = parseOptions(process.argv.slice(2), process.env);
    if (options === null) console.log(HELP);
    else await run(options);
    return 0;
  } catch (error) {
    if (error instanceof ApiError)
      console.error(`${error.code}: ${error.message}${error.hint === null ? '' : `\n${error.hint}`}`);
    else if (error instanceof UsageError || error instanceof CannotGuess)
      console.error(`${error.message}\n\n${HELP}`);
    else console.error(error);
    return 1;
  }
};

void main().then((code) => process.exit(code));
