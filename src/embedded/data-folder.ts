import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive } from './child';

/** Made once, on the first start; readable by the user who started only. */
const Secrets = z.object({
  postgresSuperuser: z.string(),
  postgresOwner: z.string(),
  postgresApp: z.string(),
  postgresPlatform: z.string(),
  nats: z.string(),
  /** Base64, 32 bytes: signs upload tokens, seals idempotent answers. */
  platform: z.string(),
});
export type Secrets = z.infer<typeof Secrets>;

/** What a later start must know about earlier ones. */
const State = z.object({
  postgresPort: z.number().int().optional(),
  natsPort: z.number().int().optional(),
  /** Operator, first tenant and its key exist. */
  bootstrapped: z.boolean().default(false),
});
export type State = z.infer<typeof State>;

/** A start that cannot go on; the message is for the person at the terminal. */
export class StartError extends Error {}

const writeAtomically = (path: string, content: unknown): void => {
  const partial = `${path}.writing`;
  writeFileSync(partial, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, path);
};

const readJson = <T>(path: string, shape: z.ZodType<T>): T => {
  const parsed = shape.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new StartError(`${path} is damaged: ${parsed.error.issues[0]?.path.join('.')}`);
  return parsed.data;
};

/** When a process started, so that a number used again is not mistaken for the process that had it before. */
const startedAt = (pid: number): string | null => {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? null;
    } catch {
      return null;
    }
  }
  return spawnSync('ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8' }).stdout.trim() || null;
};

/** The folder that holds everything: pg/ nats/ objects/ logs/ secrets.json state.json. One launcher at a time. */
export class DataFolder {
  readonly secrets: Secrets;
  readonly fresh: boolean;
  private current: State;

  private constructor(
    readonly path: string,
    private readonly lock: string,
  ) {
    const secretsFile = join(path, 'secrets.json');
    this.fresh = !existsSync(secretsFile);
    if (this.fresh) {
      const word = (): string => randomBytes(24).toString('base64url');
      writeAtomically(secretsFile, {
        postgresSuperuser: word(),
        postgresOwner: word(),
        postgresApp: word(),
        postgresPlatform: word(),
        nats: word(),
        platform: randomBytes(32).toString('base64'),
      } satisfies Secrets);
    }
    chmodSync(secretsFile, 0o600);
    this.secrets = readJson(secretsFile, Secrets);
    const stateFile = join(path, 'state.json');
    this.current = existsSync(stateFile) ? readJson(stateFile, State) : State.parse({});
  }

  /** Creates the folder when needed and takes its lock. Throws StartError when another launcher holds it. */
  static open(path: string): DataFolder {
    try {
      // Others may walk through, not look: PostgreSQL runs as another account when we are root.
      mkdirSync(path, { recursive: true, mode: 0o711 });
      accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new StartError(
        `the data folder ${path} cannot be used (${code}); choose another with --data-dir`,
        { cause },
      );
    }
    const lock = join(path, 'launcher.lock');
    const mine = `${process.pid} ${startedAt(process.pid)}\n`;
    for (let attempt = 0; ; attempt++) {
      try {
        writeFileSync(lock, mine, { flag: 'wx', mode: 0o600 });
        return new DataFolder(path, lock);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 5) throw error;
      }
      const [pid, started] = readFileSync(lock, 'utf8').trim().split(' ');
      if (isAlive(Number(pid)) && startedAt(Number(pid)) === started) {
        throw new StartError(
          `the data folder ${path} is in use by a running modelmint (process ${pid}); stop it, or choose another with --data-dir`,
        );
      }
      rmSync(lock, { force: true });
    }
  }

  get state(): State {
    return this.current;
  }

  remember(change: Partial<State>): void {
    this.current = { ...this.current, ...change };
    writeAtomically(join(this.path, 'state.json'), this.current);
  }

  folder(name: 'pg' | 'nats' | 'objects' | 'logs' | 'scratch'): string {
    return join(this.path, name);
  }

  close(): void {
    rmSync(this.lock, { force: true });
  }
}
