import { Worker } from 'node:worker_threads';
import { Failure } from '../../../../contracts';
import { Module } from './assembler';
import { defineBinning } from './binning';
import { argumentAddress, crewOf, NO_TICKET, TICKET } from './crew';
import type { ArgumentsOf } from './crew';
import { defineHistogram } from './histogram';
import { definePartition } from './partition';
import { defineScores } from './scores';
import { defineSplit } from './split';
import { wasm } from './webassembly';
import type { WasmMemory, WasmModule } from './webassembly';

/** Pages of 64 KiB: all that 32-bit addresses reach, less one so that no end of a region wraps to 0. */
const MOST_PAGES = 65_535;
const PAGE_BYTES = 65_536;

const define = () => {
  const module = new Module();
  const crew = crewOf(module);
  const operations = {
    histogram: defineHistogram(module, crew.parallel),
    ...definePartition(module, crew.parallel),
    ...defineScores(crew.parallel),
    bin: defineBinning(crew.parallel),
  };
  defineSplit(module);
  crew.define();
  return { bytes: module.bytes(MOST_PAGES), operations };
};
type Operations = ReturnType<typeof define>['operations'];

let compiled: { readonly module: WasmModule; readonly operations: Operations } | undefined;
const compile = () => {
  if (compiled === undefined) {
    const { bytes, operations } = define();
    compiled = { module: new wasm.Module(bytes), operations };
  }
  return compiled;
};

/** The functions that are called from outside; addresses and counts as numbers. */
interface KernelFunctions extends Record<keyof Operations, (chunk: number, thread: number) => void> {
  readonly run: (operation: number, chunks: number) => void;
  readonly close: () => void;
  readonly fill: (address: number, byte: number, bytes: number) => void;
  readonly add: (histogram: number, other: number, bytes: number) => void;
  readonly subtract: (histogram: number, other: number, bytes: number) => void;
  readonly split: (
    histogram: number,
    list: number,
    listEnd: number,
    bins: number,
    gradients: bigint,
    hessians: bigint,
    shift: bigint,
    l2: number,
    leastHessian: number,
    leastRows: bigint,
    score: number,
    found: number,
  ) => void;
  readonly unpack: (
    histogram: number,
    bins: number,
    shift: bigint,
    gradients: number,
    hessians: number,
    rows: number,
  ) => void;
}

const memoryOf = (pages: number): WasmMemory => {
  try {
    return new wasm.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    const needed = `${Math.ceil((pages * PAGE_BYTES) / 2 ** 20)} MiB of memory`;
    throw new Failure('OUT_OF_MEMORY', `these trees need ${needed} at once`, {
      hint: 'use fewer rows, columns, or leaves, or a worker with more memory; 4096 MiB is the most',
      cause,
    });
  }
};

/** A helper has no code of ours but the module: it lives in `serve`. */
const HELPER = `
const { workerData } = require('node:worker_threads');
const { module, memory, thread } = workerData;
new WebAssembly.Instance(module, { env: { memory } }).exports.serve(thread);
`;

/** The kernel on a memory of its own, with `threads - 1` helpers. Must be closed. */
export class Kernel {
  readonly buffer: SharedArrayBuffer;
  /** The whole memory; index = address / bytes of an element. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly longs: BigInt64Array;
  readonly doubles: Float64Array;
  readonly call: KernelFunctions;
  private readonly operations: Operations;
  private readonly helpers: readonly Worker[];

  constructor(
    bytes: number,
    readonly threads: number,
  ) {
    const pages = Math.ceil(bytes / PAGE_BYTES);
    const { module, operations } = compile();
    const memory = memoryOf(pages);
    this.buffer = memory.buffer;
    this.operations = operations;
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    this.longs = new BigInt64Array(this.buffer);
    this.doubles = new Float64Array(this.buffer);
    Atomics.store(this.longs, TICKET / 8, NO_TICKET);
    // The exports are those that `define` makes.
    this.call = new wasm.Instance(module, { env: { memory } }).exports as KernelFunctions;
    this.helpers = Array.from({ length: threads - 1 }, (_, index) => {
      const helper = new Worker(HELPER, { eval: true, workerData: { module, memory, thread: index + 1 } });
      helper.unref();
      return helper;
    });
  }

  /** Runs chunks 0 to `chunks` - 1 of an operation on all threads, or only on this one. */
  run<N extends keyof Operations>(name: N, chunks: number, args: ArgumentsOf<Operations[N]>): void {
    const operation = this.operations[name];
    const values = args as Readonly<Record<string, number>>;
    for (let index = 0; index < operation.names.length; index++) {
      const at = argumentAddress(index);
      const value = values[operation.names[index] ?? ''] ?? 0;
      if (operation.types[index] === 'i32') this.words[at / 4] = value;
      else this.doubles[at / 8] = value;
    }
    if (chunks > 1) this.call.run(operation.number, chunks);
    else if (chunks === 1) this.call[name](0, 0);
  }

  async close(): Promise<void> {
    this.call.close();
    await Promise.all(this.helpers.map((helper) => helper.terminate()));
  }
}
