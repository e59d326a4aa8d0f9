/** The gateway process: reads the environment, starts, stops. */
import 'reflect-metadata';
import { parseConfig } from './platform/config';
import { createLogger } from './platform/log';
import { startGateway } from './gateway';

/** Longer than the longest request that is worth waiting for. */
const STOP_MS = 25_000;

const main = async (): Promise<void> => {
  const config = parseConfig(process.env);
  const log = createLogger('gateway', config.logLevel);
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
  const gateway = await startGateway(config, log);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_MS).unref();
    gateway.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Without the launcher that started us nobody would stop us.
  process.on('disconnect', stop);
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
