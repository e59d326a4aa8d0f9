// onnxruntime-node checks tensor data with the outer realm's typed-array constructors; jest runs tests in a
// realm of its own. Sharing the constructors makes `instanceof` agree on both sides.
const { randomUUID } = require('node:crypto');
const { readFileSync, readdirSync } = require('node:fs');
const { dirname } = require('node:path');
const { TestEnvironment } = require('jest-environment-node');

const SHARED = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'Uint8Array',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float32Array',
  'Float64Array',
  'Uint8ClampedArray',
];

/** Jest's own helpers, and the PostgreSQL that all test files share. */
const isOurs = (command) =>
  command.includes('jest-worker') ||
  (process.env.MM_TEST_SUPPORT && command.includes(dirname(process.env.MM_TEST_SUPPORT)));

/** Processes that carry this test file's mark in their environment, however deep below us, and direct children (Linux). */
const leftBy = (mark) => {
  if (process.platform !== 'linux') return [];
  const found = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    try {
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ');
      const child = Number(parent) === process.pid;
      if (!child && !readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
      if (state !== 'Z' && !isOurs(command)) found.push({ pid: Number(pid), command });
    } catch {
      continue; // gone, or another account's
    }
  }
  return found;
};

module.exports = class extends TestEnvironment {
  constructor(config, context) {
    // Every process that a test starts inherits the mark, and so do those that it starts in turn.
    const mark = randomUUID();
    process.env.MM_TEST_FILE = mark;
    super(config, context);
    this.mark = mark;
    this.file = context.testPath;
  }

  async setup() {
    await super.setup();
    for (const name of SHARED) this.global[name] = globalThis[name];
  }

  /** Whoever opens a process closes it: a test file that leaves one behind fails. */
  async teardown() {
    await super.teardown();
    delete process.env.MM_TEST_FILE;
    const until = Date.now() + 2000;
    let left = leftBy(this.mark);
    while (left.length > 0 && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      left = leftBy(this.mark);
    }
    if (left.length === 0) return;
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    const list = left.map(({ pid, command }) => `  ${pid} ${command.slice(0, 200)}`).join('\n');
    throw new Error(`${this.file} left processes running (now killed):\n${list}`);
  }
};
