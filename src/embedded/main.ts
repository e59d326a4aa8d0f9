/** `npm start`: the whole platform on one machine. Reads the command line and the environment, starts, stops. */
import { StartError } from './data-folder';
import { playExample } from './example';
import { bootstrap } from './first-start';
import { Terminal } from './loop/terminal';
import { HELP, parseStartOptions, UsageError } from './options';
import type { StartOptions } from './options';
import { startEmbedded } from './platform';
import type { EmbeddedPlatform } from './platform';
import { OtherMajorVersion } from './postgres';
import { GaveUp } from './supervise';

/** npm passes on the Ctrl-C that the terminal sent to us as well: two within this time are one. */
const SAME_KEYPRESS_MS = 500;

/** Resolves at the first Ctrl-C or SIGTERM; `force` is called at the next. */
const stopRequest = (force: () => void): AbortSignal => {
  const asked = new AbortController();
  let at = 0;
  const on = (): void => {
    if (!asked.signal.aborted) {
      at = Date.now();
      asked.abort();
    } else if (Date.now() - at > SAME_KEYPRESS_MS) {
      force();
    }
  };
  process.on('SIGINT', on);
  process.on('SIGTERM', on);
  process.on('SIGHUP', on);
  return asked.signal;
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const served = (platform: EmbeddedPlatform, ui: Terminal): void => {
  ui.line('');
  ui.pairs([
    ['GraphQL', platform.endpoint],
    ['explorer', `${platform.endpoint} in a browser`],
    ['health', `${platform.url}/livez  ${platform.url}/readyz`],
    ['metrics', `${platform.url}/metrics`],
    ['data', platform.data.path],
    ['stop', 'Ctrl-C'],
  ]);
};

/** Operator, tenant and key, then the example when it is wanted: once, since the key is known only now. */
const firstStart = async (platform: EmbeddedPlatform, options: StartOptions, ui: Terminal): Promise<void> => {
  if (platform.data.state.bootstrapped) return;
  const made = await bootstrap(platform);
  ui.line('');
  ui.line('Shown once, stored only as hashes:');
  ui.pairs([
    ['operator token', made.operatorToken],
    ['first tenant', `${made.tenantName} (${made.tenantId})`],
    ['its API key', made.apiKey],
  ]);
  platform.data.remember({ bootstrapped: true });
  if (!options.example) return;
  await playExample(platform.endpoint, made.apiKey, ui);
};

const run = async (options: StartOptions): Promise<number> => {
  const from = performance.now();
  const ui = new Terminal(process.stdout);
  let platform: EmbeddedPlatform | undefined;
  const stop = stopRequest(() => {
    ui.line('stopping at once');
    void (platform?.kill() ?? Promise.resolve()).finally(() => process.exit(1));
  });
  ui.line(`starting in ${options.dataDir}`);
  try {
    platform = await startEmbedded({
      dataDir: options.dataDir,
      port: options.port,
      env: process.env,
      tell: (line) => ui.line(line),
      signal: stop,
    });
    ui.line(
      `ready in ${seconds(performance.now() - from)} (${platform.phases.map(([name, ms]) => `${name} ${seconds(ms)}`).join(', ')})`,
    );
    const running = platform;
    // Meanwhile the platform serves; whatever the example meets, it goes on serving.
    void firstStart(running, options, ui)
      .catch((error: unknown) => {
        if (!stop.aborted) ui.line(`the first start did not come to its end: ${messageOf(error)}`);
      })
      .then(() => {
        if (!stop.aborted) served(running, ui);
      });
    await Promise.race([aborted(stop), running.failed]);
    ui.line('stopping');
    await platform.stop();
    ui.line('stopped');
    return 0;
  } catch (error) {
    await platform?.stop();
    if (stop.aborted) return 0;
    throw error;
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const main = async (): Promise<number> => {
  try {
    const options = parseStartOptions(process.argv.slice(2));
    if (options.help) {
      console.log(HELP);
      return 0;
    }
    return await run(options);
  } catch (error) {
    const expected = [UsageError, StartError, OtherMajorVersion, GaveUp].some(
      (kind) => error instanceof kind,
    );
    console.error(expected ? messageOf(error) : error);
    return error instanceof UsageError ? 2 : 1;
  }
};

// A closed terminal is no reason to fail; it sends SIGHUP, which stops us.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
void main().then((code) => process.exit(code));
