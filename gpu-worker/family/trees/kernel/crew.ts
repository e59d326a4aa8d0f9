import {
  drop,
  f64,
  i32,
  i64,
  loopWhile,
  notifyAll,
  repeatWhile,
  sequence,
  waitWhile,
  when,
} from './assembler';
import type { Code, Func, Local, Module, Type } from './assembler';

/**
 * Threads that share the work of one call: a call is cut into chunks, and whoever is free takes the next. A thread
 * that never wakes up costs nothing: the caller takes all chunks itself.
 */

/** Fixed addresses of the crew's words, before everything else in the memory. A line of the cache each. */
export const TICKET = 64; // i64: number of the call << 32 | next chunk
const DONE = 128; // i32: chunks done
const OPERATION = 192; // i32
const CHUNKS = 196; // i32
const CLOSED = 256; // i32: not 0 when the threads shall end
const ARGUMENTS = 320; // 8 bytes each
const MOST_ARGUMENTS = 16;
/** Nobody reads what is written here. */
export const NOWHERE = ARGUMENTS + 8 * MOST_ARGUMENTS;
export const CREW_BYTES = NOWHERE + 64;

/** No chunk has this number: the ticket of a call whose arguments are being written. */
const NO_CHUNK = 0xffffffffn;
/** What the ticket must be before the first call. */
export const NO_TICKET = NO_CHUNK;
/** Looks this often for new work before going to sleep: about the time between two calls. */
const SPINS = 20_000;
const SHORT_WAIT_NANOS = 1_000_000n;

type Arguments = Readonly<Record<string, 'i32' | 'f64'>>;
type Place = { readonly chunk: Local<'i32'>; readonly thread: Local<'i32'> };

export interface Operation<A extends Arguments> {
  readonly number: number;
  readonly args: A;
  readonly names: readonly string[];
  readonly types: readonly A[string][];
}
export type ArgumentsOf<O> = O extends Operation<infer A> ? { readonly [K in keyof A]: number } : never;

/** Defines an operation: what is done for one chunk. Arguments are read from the shared memory. */
export type Parallel = <A extends Arguments>(
  name: string,
  args: A,
  build: (
    args: { readonly [K in keyof A]: Local<A[K]> },
    place: Place,
    local: <T extends Type>(type: T) => Local<T>,
  ) => readonly Code<'void'>[],
) => Operation<A>;

type ChunkFunction = Func<{ chunk: 'i32'; thread: 'i32' }, 'void'>;

export const argumentAddress = (index: number): number => ARGUMENTS + 8 * index;

/** Collects the operations of a module, and then adds `run` and `serve`. */
export const crewOf = (module: Module) => {
  const chunks: ChunkFunction[] = [];
  const parallel: Parallel = (name, args, build) => {
    const names = Object.keys(args);
    if (names.length > MOST_ARGUMENTS) throw new Error(`${name} has more than ${MOST_ARGUMENTS} arguments`);
    chunks.push(
      module.func(name, { chunk: 'i32', thread: 'i32' }, 'void', (place, local) => {
        const locals = Object.fromEntries(names.map((key) => [key, local(args[key] ?? 'i32')]));
        const loads = names.map((key, index) => {
          const into = locals[key] as Local<'i32'> | Local<'f64'>;
          const address = i32.const(argumentAddress(index));
          return into.get.type === 'i32'
            ? (into as Local<'i32'>).set(i32.load(address))
            : (into as Local<'f64'>).set(f64.load(address));
        });
        // The names and types of `locals` are those of `args`.
        return [...loads, ...build(locals as never, place, local)];
      }),
    );
    return { number: chunks.length - 1, args, names, types: Object.values(args) as (typeof args)[string][] };
  };
  return { parallel, define: () => defineCrew(module, chunks) };
};

const defineCrew = (module: Module, operations: readonly ChunkFunction[]): void => {
  /** Takes chunks of the call that is open until none is left. */
  const work = module.func('work', { thread: 'i32' }, 'void', ({ thread }, local) => {
    const ticket = local('i64');
    const chunk = local('i32');
    const chunks = local('i32');
    const operation = local('i32');
    const more = local('i32');
    return [
      repeatWhile(more.get, [
        ticket.set(i64.atomicLoad(i32.const(TICKET))),
        chunk.set(i32.ofI64(ticket.get)),
        chunks.set(i32.atomicLoad(i32.const(CHUNKS))),
        operation.set(i32.atomicLoad(i32.const(OPERATION))),
        more.set(i32.lt(chunk.get, chunks.get)),
        when(more.get, [
          // The arguments cannot change before this chunk is done, if the ticket was still the same.
          when(
            i64.eq(
              i64.atomicExchangeIf(i32.const(TICKET), ticket.get, i64.add(ticket.get, i64.const(1n))),
              ticket.get,
            ),
            [
              ...operations.map((run, number) =>
                when(i32.eq(operation.get, i32.const(number)), [
                  run.call({ chunk: chunk.get, thread: thread.get }),
                ]),
              ),
              drop(i32.atomicAdd(i32.const(DONE), i32.const(1))),
              when(thread.get, [
                when(i32.eq(i32.atomicLoad(i32.const(DONE)), chunks.get), [notifyAll(i32.const(DONE))]),
              ]),
            ],
          ),
        ]),
      ]),
    ];
  });

  /** One call, by thread 0; the arguments stand in the memory. Returns when all chunks are done. */
  module.func('run', { operation: 'i32', chunks: 'i32' }, 'void', ({ operation, chunks }, local) => {
    const spins = local('i32');
    const done = local('i32');
    const call = local('i64');
    return [
      call.set(
        i64.shl(
          i64.add(i64.shr(i64.atomicLoad(i32.const(TICKET)), i64.const(32n)), i64.const(1n)),
          i64.const(32n),
        ),
      ),
      i32.atomicStore(i32.const(OPERATION), operation.get),
      i32.atomicStore(i32.const(CHUNKS), chunks.get),
      i32.atomicStore(i32.const(DONE), i32.const(0)),
      i64.atomicStore(i32.const(TICKET), call.get),
      notifyAll(i32.const(TICKET + 4)),
      work.call({ thread: i32.const(0) }),
      done.set(i32.atomicLoad(i32.const(DONE))),
      loopWhile(i32.ne(done.get, chunks.get), [
        spins.set(i32.add(spins.get, i32.const(1))),
        when(i32.lt(i32.const(SPINS), spins.get), [
          waitWhile(i32.const(DONE), done.get, i64.const(SHORT_WAIT_NANOS)),
        ]),
        done.set(i32.atomicLoad(i32.const(DONE))),
      ]),
      // Late comers must not take the old arguments for the next call's: no chunk is open from here on.
      i64.atomicStore(i32.const(TICKET), i64.or(call.get, i64.const(NO_CHUNK))),
    ];
  });

  /** The life of every other thread. */
  module.func('serve', { thread: 'i32' }, 'void', ({ thread }, local) => {
    const spins = local('i32');
    const seen = local('i32');
    const now = local('i32');
    return [
      loopWhile(i32.eqz(i32.atomicLoad(i32.const(CLOSED))), [
        // The upper half of the ticket is the number of the call (little endian).
        now.set(i32.atomicLoad(i32.const(TICKET + 4))),
        when(
          i32.ne(now.get, seen.get),
          [seen.set(now.get), spins.set(i32.const(0)), work.call({ thread: thread.get })],
          [
            spins.set(i32.add(spins.get, i32.const(1))),
            when(i32.lt(i32.const(SPINS), spins.get), [
              spins.set(i32.const(0)),
              waitWhile(i32.const(TICKET + 4), seen.get, i64.const(-1n)),
            ]),
          ],
        ),
      ]),
    ];
  });

  /** Ends the other threads. */
  module.func('close', {}, 'void', () => [
    sequence(
      i32.atomicStore(i32.const(CLOSED), i32.const(1)),
      i32.atomicStore(i32.const(TICKET + 4), i32.const(-1)),
      notifyAll(i32.const(TICKET + 4)),
    ),
  ]);
};
