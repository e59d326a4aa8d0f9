/**
 * Entry point of a runner process: holds onnxruntime sessions for the gateway and nothing else. It has an empty
 * environment and an empty working folder; the gateway limits its memory and time and kills it when it exceeds them.
 */
import { Worker } from 'node:worker_threads';
import { asFailure, Failure } from '../../contracts';
import { ModelSession } from './runner/model-session';
import type { FromRunner, ToRunner } from './runner/protocol';

/**
 * A model that computes for ever blocks this thread, so that neither `disconnect` nor a signal handler would run. A
 * second thread sees the parent go and ends the process.
 */
const watchParent = (parentPid: number): void => {
  new Worker(
    `const { workerData } = require('node:worker_threads');
     setInterval(() => { if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL'); }, 250);`,
    { eval: true, workerData: parentPid, resourceLimits: { maxOldGenerationSizeMb: 16 } },
  ).unref();
};

const send = (message: FromRunner): void => {
  if (process.connected) process.send?.(message);
};

const sessions = new Map<string, ModelSession>();

const drop = async (model: string): Promise<void> => {
  const session = sessions.get(model);
  sessions.delete(model);
  await session?.close();
};

const handle = async (message: ToRunner): Promise<void> => {
  switch (message.t) {
    case 'drop':
      return drop(message.model);
    case 'load':
      await drop(message.model);
      sessions.set(message.model, await ModelSession.open(message.path));
      return send({ t: 'done', id: message.id, outputs: null });
    case 'run': {
      const session = sessions.get(message.model);
      if (!session) throw new Failure('INTERNAL', 'the model is not loaded here');
      return send({ t: 'done', id: message.id, outputs: await session.run(message.columns, message.rows) });
    }
  }
};

// The gateway sends one message at a time and a drop before the next load: strictly one after the other here too.
let turn: Promise<void> = Promise.resolve();
process.on('message', (message: ToRunner) => {
  turn = turn.then(() =>
    handle(message).catch((error: unknown) => {
      const { code, message: text } = asFailure(error);
      if (message.t !== 'drop') send({ t: 'failed', id: message.id, code, message: text });
    }),
  );
});
process.on('disconnect', () => process.exit(0));
// The gateway decides when its runners end: a Ctrl-C in the terminal reaches the whole process group.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

watchParent(Number(process.argv[2]));
send({ t: 'ready' });
