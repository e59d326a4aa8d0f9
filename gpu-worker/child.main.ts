/** Entry of a task process: `child.main.js <group> <pid of the worker>`. */
import { Failure } from '../contracts';
import type { TaskPayload, TaskResult } from '../contracts';
import { rehearse } from './child/rehearsal';
import { serveOneTask } from './child/serve-task';
import type { TaskRunner } from './child/serve-task';
import type { TrainingIo } from './task-io';

/** Modules are loaded per group and while idle: a training process needs no profiler, and neither is started cold. */
const trainRunner: TaskRunner = {
  warmUp: async () => {
    await import('./train/index.js');
  },
  rehearse: async () => {
    const [{ runProfile }, { runTrain }] = await Promise.all([
      import('./data/index.js'),
      import('./train/index.js'),
    ]);
    await rehearse(runProfile, runTrain);
  },
  run: async (payload: TaskPayload, io: TrainingIo): Promise<TaskResult> => {
    switch (payload.kind) {
      case 'train':
        return (await import('./train/index.js')).runTrain(payload, io);
      case 'search':
        return (await import('./automl/index.js')).runSearch(payload, io);
      case 'trial':
        return (await import('./automl/index.js')).runTrials(payload, io);
      case 'profile':
      case 'merge':
      case 'pack':
        throw foreign(payload);
    }
  },
};

const dataRunner: TaskRunner = {
  warmUp: async () => {
    await import('./data/index.js');
  },
  rehearse: async () => {
    const { runProfile } = await import('./data/index.js');
    await rehearse(runProfile, null);
  },
  run: async (payload: TaskPayload, io: TrainingIo): Promise<TaskResult> => {
    const { runMerge, runPack, runProfile } = await import('./data/index.js');
    switch (payload.kind) {
      case 'profile':
        return runProfile(payload, io);
      case 'merge':
        return runMerge(payload, io);
      case 'pack':
        return runPack(payload, io);
      case 'train':
      case 'search':
      case 'trial':
        throw foreign(payload);
    }
  },
};

const foreign = (payload: TaskPayload): Failure =>
  new Failure('INTERNAL', `a process of another group was given a ${payload.kind} task`);

const [, , group, parentPid] = process.argv;
serveOneTask(group === 'train' ? trainRunner : dataRunner, Number(parentPid)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
