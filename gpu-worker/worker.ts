/** Puts the worker together: warm children, the door to NATS, one consumer per kind of task. */
import { attempt } from './control/attempt';
import { ControlPlane } from './control/control-plane';
import { ChildPool } from './child/pool';
import { TASK_GROUPS } from './child/protocol';
import type { TaskGroup } from './child/protocol';
import type { WorkerConfig } from './config';
import { Broker } from './consume';
import { TASK_KINDS } from '../contracts';
import type { Device, TaskKind } from '../contracts';
import type { Logger } from './log';
import { openScratch } from './scratch';
import { Slots } from './slots';

/** A training gives way to answering predictions on the same machine. */
const CHILD_NICENESS = 5;
/** A stopping worker exits after this, whoever has not answered. */
const STOP_WITHIN_MS = 6000;

const TRAINING: readonly TaskKind[] = ['train', 'search', 'trial'];
const groupOf = (kind: TaskKind): TaskGroup => (TRAINING.includes(kind) ? 'train' : 'data');

export interface Worker {
  /** Resolves once tasks can come: streams and consumers are there, children are warm. */
  readonly ready: Promise<void>;
  /** Hands running tasks back and ends every child. Resolves within a few seconds. */
  stop(): Promise<void>;
}

/** `childScript` is the file that task processes run; it gets the group and this process's pid as arguments. */
export async function startWorker(
  config: WorkerConfig,
  device: Device,
  childScript: string,
  log: Logger,
): Promise<Worker> {
  const scratch = openScratch(config.scratchDir);
  const groups = TASK_GROUPS.filter((group) => config.slots[group] > 0).map((group) => ({
    group,
    slots: new Slots(config.slots[group]),
    pool: new ChildPool(
      {
        script: childScript,
        group,
        env: { ...config.childEnv, TMPDIR: scratch.tasksDir, HOME: scratch.emptyDir },
        cwd: scratch.emptyDir,
        limits: {
          memoryBytes: config.memoryMb[group] * 1024 * 1024,
          niceness: CHILD_NICENESS,
          limitData: group === 'data' || device === 'cpu',
        },
      },
      log,
    ),
  }));
  const stopping = new AbortController();
  const broker = await Broker.connect(config.natsUrl, config.workerId, log);
  const context = {
    link: broker,
    control: new ControlPlane(broker),
    workerId: config.workerId,
    device,
    engine: config.engine,
    scratchDir: scratch.tasksDir,
    log,
    stopping: stopping.signal,
  };
  const consumers = groups.flatMap(({ group, slots, pool }) =>
    TASK_KINDS.filter((kind) => groupOf(kind) === group).map((kind) =>
      broker.consume(kind, slots, (task) => attempt(context, pool, task)),
    ),
  );
  const ready = Promise.all([
    ...consumers.map((each) => each.ready),
    ...groups.map(({ pool }) => pool.warm()),
  ]);
  void ready.then(() => log.info({ workerId: config.workerId, device }, 'ready'));

  return {
    ready: ready.then(() => undefined),
    stop: async () => {
      stopping.abort();
      await within(STOP_WITHIN_MS, Promise.all(consumers.map((consumer) => consumer.stop())));
      await Promise.all(groups.map(({ pool }) => pool.stop()));
      await within(1000, broker.close());
      scratch.remove();
    },
  };
}

const within = (limitMs: number, work: Promise<unknown>): Promise<unknown> =>
  Promise.race([work, new Promise((resolve) => setTimeout(resolve, limitMs).unref())]);
