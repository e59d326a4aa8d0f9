import type { ChildProcess } from 'node:child_process';
import { exited, stopChild } from './child';
import { LogFile } from './log-file';

export interface Service {
  readonly name: string;
  /** Starts the process; called again after each crash. Its stdout and stderr are pipes. */
  spawn(): ChildProcess | Promise<ChildProcess>;
  /** Resolves when the service answers; rejects when it will not. */
  ready(child: ChildProcess): Promise<void>;
  readonly stopSignal: NodeJS.Signals;
  /** How long it may take to stop before it is killed. */
  readonly patienceMs: number;
}

export interface SupervisorOptions {
  readonly logsFolder: string;
  /** For the person at the terminal. */
  readonly tell: (line: string) => void;
  readonly maxCrashes?: number;
  readonly withinMs?: number;
  readonly backoffMs?: (crashes: number) => number;
}

/** A service crashed too often; the message ends with its last log lines. */
export class GaveUp extends Error {}

interface Supervised {
  readonly service: Service;
  readonly log: LogFile;
  child: ChildProcess | null;
  crashes: number[];
}

/**
 * Keeps services running: a child that dies is started again after a growing pause; after `maxCrashes` within
 * `withinMs` it gives up and `failed` rejects. Stopping goes through the services in reverse order of `order`.
 */
export class Supervisor {
  private readonly all = new Map<string, Supervised>();
  private stopping: Promise<void> | null = null;
  private giveUp: (error: GaveUp) => void = () => undefined;
  /** Rejects when a service crashed too often; never resolves. */
  readonly failed: Promise<never>;

  constructor(private readonly options: SupervisorOptions) {
    this.failed = new Promise<never>((_, reject) => (this.giveUp = reject));
    // Whoever started us decides when to look; until then it is not an unhandled rejection.
    this.failed.catch(() => undefined);
  }

  /** Starts a service and resolves when it is ready. A service that cannot even start is not tried again. */
  async start(service: Service): Promise<void> {
    if (this.stopping) throw new GaveUp(`${service.name} was not started: stopping`);
    const supervised: Supervised = {
      service,
      log: new LogFile(this.options.logsFolder, service.name),
      child: null,
      crashes: [],
    };
    this.all.set(service.name, supervised);
    const child = await this.launch(supervised);
    try {
      await service.ready(child);
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new GaveUp(`${service.name} did not start: ${said}\n${this.tailOf(supervised)}`, { cause });
    }
    this.watch(supervised, child);
  }

  /** The process number of a running service. */
  pid(name: string): number | undefined {
    return this.all.get(name)?.child?.pid;
  }

  /** Stops everything, in the order of `names` (others after them), once. Resolves when nothing is left. */
  stop(names: readonly string[]): Promise<void> {
    this.stopping ??= (async () => {
      const rest = [...this.all.keys()].filter((name) => !names.includes(name)).reverse();
      for (const name of [...names, ...rest]) {
        const supervised = this.all.get(name);
        if (!supervised) continue;
        const { child, service, log } = supervised;
        if (child) await stopChild(child, service.stopSignal, service.patienceMs);
        log.close();
      }
    })();
    return this.stopping;
  }

  /** At once and without asking. */
  async kill(): Promise<void> {
    this.stopping ??= Promise.resolve();
    const children = [...this.all.values()].flatMap(({ child }) => (child ? [child] : []));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(exited));
  }

  private async launch(supervised: Supervised): Promise<ChildProcess> {
    const child = await supervised.service.spawn();
    supervised.child = child;
    supervised.log.follow(child.stdout);
    supervised.log.follow(child.stderr);
    // A program that cannot be executed emits 'error' and never 'exit'.
    child.once('error', (error) => supervised.log.write(Buffer.from(`${error.message}\n`)));
    if (this.stopping) child.kill('SIGKILL');
    return child;
  }

  private watch(supervised: Supervised, child: ChildProcess): void {
    void exited(child).then(() => (this.stopping ? undefined : this.revive(supervised, child)));
  }

  private async revive(supervised: Supervised, dead: ChildProcess): Promise<void> {
    const {
      maxCrashes = 5,
      withinMs = 60_000,
      backoffMs = (n) => Math.min(200 * 2 ** (n - 1), 5000),
    } = this.options;
    const { service } = supervised;
    const how = dead.signalCode ?? `code ${dead.exitCode}`;
    const now = Date.now();
    supervised.crashes = [...supervised.crashes.filter((at) => now - at < withinMs), now];
    const count = supervised.crashes.length;
    if (count >= maxCrashes) {
      const message = `${service.name} ended ${count} times within ${withinMs / 1000} s (last: ${how}); giving up`;
      return this.giveUp(new GaveUp(`${message}\n${this.tailOf(supervised)}`));
    }
    const pauseMs = backoffMs(count);
    this.options.tell(`${service.name} ended (${how}); starting it again in ${pauseMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (this.stopping) return;
    let child: ChildProcess;
    try {
      child = await this.launch(supervised);
    } catch (cause) {
      return this.giveUp(new GaveUp(`${service.name} cannot be started again: ${String(cause)}`, { cause }));
    }
    this.watch(supervised, child);
    await service.ready(child).then(
      () => this.options.tell(`${service.name} is back`),
      () => undefined, // its end counts as the next crash; one that hangs stays visible in /readyz
    );
  }

  private tailOf(supervised: Supervised): string {
    const lines = supervised.log.tail().map((line) => `  | ${line}`);
    return [`last lines of ${supervised.log.path}:`, ...(lines.length > 0 ? lines : ['  | (nothing)'])].join(
      '\n',
    );
  }
}
