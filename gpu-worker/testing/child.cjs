// A task child whose bodies show one behaviour each; `packed.key` of the payload names it.
const { Failure } = require('../../dist/contracts/index.js');
const { serveOneTask } = require('../../dist/gpu-worker/child/serve-task.js');

const blockThread = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const epoch = (number) => ({ epoch: number, loss: 1 / number, valLoss: null });

const bodies = {
  async copy({ rows, packed }, io) {
    const path = await io.fetch(rows, 'rows.jsonl');
    const stored = await io.store(packed, { path });
    return { kind: 'pack', rows: 1, packed: stored };
  },
  // Native code that never looks at its event loop.
  async block() {
    blockThread(600_000);
  },
  async wait(_payload, io) {
    await new Promise((resolve, reject) => {
      io.signal.addEventListener('abort', () => reject(io.signal.reason));
      setTimeout(resolve, 600_000);
    });
  },
  async epochs({ packed }, io) {
    for (let number = 1; number <= 30; number++) {
      io.progress('TRAINING', number / 30, { epochs: [epoch(number)] });
      blockThread(30);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const stored = await io.store(packed, { bytes: Buffer.from('weights') });
    return { kind: 'pack', rows: 30, packed: stored };
  },
  async bomb() {
    const hold = [];
    for (;;) {
      hold.push(Buffer.alloc(32 * 1024 * 1024, 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  },
  async oneBigBomb() {
    return Buffer.alloc(3 * 1024 ** 3, 1);
  },
  async crash() {
    process.kill(process.pid, 'SIGSEGV');
    await new Promise((resolve) => setTimeout(resolve, 1000));
  },
  async refuse() {
    throw new Failure('TARGET_MISSING', 'the target is not a column', {
      path: ['price'],
      hint: 'choose one',
    });
  },
  async unexpected() {
    throw new TypeError('secret cell value 42');
  },
};

let runs = 0;
void serveOneTask(
  {
    warmUp: async () => undefined,
    rehearse: async () => undefined,
    run: async (payload, io) => {
      io.progress('FETCHING', 0, {
        message: `pid ${process.pid} run ${++runs} env ${Object.keys(process.env).sort()}`,
      });
      return bodies[payload.packed.key.split('/').at(-1)](payload, io);
    },
  },
  Number(process.argv[3]),
);
