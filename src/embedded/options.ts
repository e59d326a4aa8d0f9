import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface StartOptions {
  readonly port: number;
  readonly dataDir: string;
  readonly example: boolean;
  readonly help: boolean;
}

/** A wrong command line: the message says which flags there are. */
export class UsageError extends Error {}

export const HELP = `Usage: npm start -- [options]

  --port N         where the gateway listens (default 4000; 0 picks a free port)
  --data-dir DIR   where everything is kept (default ./.modelmint)
  --no-example     do not play the example on the first start
  --help           this text

Environment, each replaces an embedded part:
  DATABASE_URL      PostgreSQL, as the role that owns and migrates: postgres://owner:password@host:port/database
  NATS_URL          nats-server with JetStream: nats://user:password@host:port
  OBJECT_STORE_URL  file:///folder or s3://bucket?endpoint=URL&region=R&pathStyle=true

Every other variable is passed on to gateway and worker (docs/operations.md).`;

export const parseStartOptions = (args: readonly string[]): StartOptions => {
  const parse = () => {
    try {
      return parseArgs({
        args: [...args],
        strict: true,
        allowPositionals: false,
        options: {
          port: { type: 'string', default: '4000' },
          'data-dir': { type: 'string', default: '.modelmint' },
          'no-example': { type: 'boolean', default: false },
          help: { type: 'boolean', short: 'h', default: false },
        },
      }).values;
    } catch (cause) {
      const said = (cause as Error).message.split('. ')[0];
      throw new UsageError(`${said}; one of: --port N, --data-dir DIR, --no-example, --help`, { cause });
    }
  };
  const values = parse();
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
    throw new UsageError(`--port ${values.port}: expected a whole number from 0 to 65535`);
  }
  if (values['data-dir'] === '') throw new UsageError('--data-dir: expected a folder');
  return {
    port: Number(values.port),
    dataDir: resolve(values['data-dir']),
    example: !values['no-example'],
    help: values.help,
  };
};
