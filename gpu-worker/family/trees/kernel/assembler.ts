/**
 * WebAssembly as ordinary code: every function here returns the bytes of one instruction with its operands in front,
 * typed by the value that it leaves on the stack. Just the instructions that the kernel uses; encodings are those of
 * the WebAssembly core specification 2.0 (SIMD) and of the threads proposal (atomics), sections "Binary Format".
 */
export type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
type Result = Type | 'void';

/** Code that leaves a value of type T, or nothing. The type parameter is what the compiler checks. */
export interface Code<T extends Result> {
  readonly type: T;
  readonly bytes: readonly number[];
}
type Statement = Code<'void'>;

const TYPES = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

const unsigned = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
};

const signed = (value: bigint): number[] => {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = rest === ((low & 0x40) === 0 ? 0n : -1n);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
};

const code = <T extends Result>(type: T, ...parts: readonly (readonly number[])[]): Code<T> => ({
  type,
  bytes: parts.flat(),
});

const SIMD = 0xfd;
const ATOMIC = 0xfe;

const unary =
  <A extends Type, T extends Type>(type: T, ...opcode: readonly number[]) =>
  (a: Code<A>): Code<T> =>
    code(type, a.bytes, opcode);
const binary =
  <A extends Type, T extends Type>(type: T, ...opcode: readonly number[]) =>
  (a: Code<A>, b: Code<A>): Code<T> =>
    code(type, a.bytes, b.bytes, opcode);

type Address = Code<'i32'>;
const load =
  <T extends Type>(type: T, align: number, ...opcode: readonly number[]) =>
  (address: Address, offset = 0): Code<T> =>
    code(type, address.bytes, opcode, [align], unsigned(offset));
const store =
  <T extends Type>(align: number, ...opcode: readonly number[]) =>
  (address: Address, value: Code<T>, offset = 0): Statement =>
    code('void', address.bytes, value.bytes, opcode, [align], unsigned(offset));

export const i32 = {
  const: (value: number): Code<'i32'> => code('i32', [0x41], signed(BigInt(value | 0))),
  load: load('i32', 2, 0x28),
  load8: load('i32', 0, 0x2d),
  store: store<'i32'>(2, 0x36),
  store8: store<'i32'>(0, 0x3a),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32'>('i32', 0x47),
  // Unsigned: addresses reach 4 GiB, and nothing that is compared is negative.
  lt: binary<'i32', 'i32'>('i32', 0x49),
  ge: binary<'i32', 'i32'>('i32', 0x4f),
  add: binary<'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  and: binary<'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32'>('i32', 0x72),
  shl: binary<'i32', 'i32'>('i32', 0x74),
  shr: binary<'i32', 'i32'>('i32', 0x76),
  ofI64: unary<'i64', 'i32'>('i32', 0xa7),
  atomicLoad: load('i32', 2, ATOMIC, 0x10),
  atomicStore: store<'i32'>(2, ATOMIC, 0x17),
  atomicAdd: (address: Address, value: Code<'i32'>): Code<'i32'> =>
    code('i32', address.bytes, value.bytes, [ATOMIC, 0x1e, 2, 0]),
};

export const i64 = {
  const: (value: bigint): Code<'i64'> => code('i64', [0x42], signed(value)),
  load: load('i64', 3, 0x29),
  store: store<'i64'>(3, 0x37),
  eq: binary<'i64', 'i32'>('i32', 0x51),
  ge: binary<'i64', 'i32'>('i32', 0x59),
  add: binary<'i64', 'i64'>('i64', 0x7c),
  sub: binary<'i64', 'i64'>('i64', 0x7d),
  and: binary<'i64', 'i64'>('i64', 0x83),
  or: binary<'i64', 'i64'>('i64', 0x84),
  shl: binary<'i64', 'i64'>('i64', 0x86),
  /** Arithmetic shift: the sign stays. */
  sar: binary<'i64', 'i64'>('i64', 0x87),
  shr: binary<'i64', 'i64'>('i64', 0x88),
  ofI32: unary<'i32', 'i64'>('i64', 0xad),
  ofF64: unary<'f64', 'i64'>('i64', 0xfc, 6),
  atomicLoad: load('i64', 3, ATOMIC, 0x11),
  atomicStore: store<'i64'>(3, ATOMIC, 0x18),
  /** Returns what stood there: equal to `expected` when `value` was stored. */
  atomicExchangeIf: (address: Address, expected: Code<'i64'>, value: Code<'i64'>): Code<'i64'> =>
    code('i64', address.bytes, expected.bytes, value.bytes, [ATOMIC, 0x49, 3, 0]),
};

export const f32 = {
  load: load('f32', 2, 0x2a),
  /** 1 when a > b; 0 when either is NaN. */
  gt: binary<'f32', 'i32'>('i32', 0x5e),
  eq: binary<'f32', 'i32'>('i32', 0x5b),
};

export const f64 = {
  const: (value: number): Code<'f64'> =>
    code('f64', [0x44], [...new Uint8Array(Float64Array.of(value).buffer)]),
  load: load('f64', 3, 0x2b),
  store: store<'f64'>(3, 0x39),
  gt: binary<'f64', 'i32'>('i32', 0x64),
  ge: binary<'f64', 'i32'>('i32', 0x66),
  add: binary<'f64', 'f64'>('f64', 0xa0),
  sub: binary<'f64', 'f64'>('f64', 0xa1),
  mul: binary<'f64', 'f64'>('f64', 0xa2),
  div: binary<'f64', 'f64'>('f64', 0xa3),
  /** To the nearest whole number, ties to even. */
  nearest: unary<'f64', 'f64'>('f64', 0x9e),
  ofI64: unary<'i64', 'f64'>('f64', 0xb9),
  ofLane0: (a: Code<'v128'>): Code<'f64'> => code('f64', a.bytes, [SIMD, 0x21, 0]),
  ofLane1: (a: Code<'v128'>): Code<'f64'> => code('f64', a.bytes, [SIMD, 0x21, 1]),
};

const simd = (opcode: number): number[] => [SIMD, ...unsigned(opcode)];

export const v128 = {
  zero: code('v128', simd(0x0c), new Array<number>(16).fill(0)),
  load: load('v128', 4, ...simd(0x00)),
  store: store<'v128'>(4, ...simd(0x0b)),
  i64Splat: unary<'i64', 'v128'>('v128', ...simd(0x12)),
  i64Lane0: (a: Code<'v128'>): Code<'i64'> => code('i64', a.bytes, [SIMD, 0x1d, 0]),
  i64Lane1: (a: Code<'v128'>): Code<'i64'> => code('i64', a.bytes, [SIMD, 0x1d, 1]),
  i64Lane1Set: (a: Code<'v128'>, b: Code<'i64'>): Code<'v128'> =>
    code('v128', a.bytes, b.bytes, [SIMD, 0x1e, 1]),
  i64Add: binary<'v128', 'v128'>('v128', ...simd(0xce)),
  i64Sub: binary<'v128', 'v128'>('v128', ...simd(0xd1)),
  f64Splat: unary<'f64', 'v128'>('v128', ...simd(0x14)),
  f64Lane1Set: (a: Code<'v128'>, b: Code<'f64'>): Code<'v128'> =>
    code('v128', a.bytes, b.bytes, [SIMD, 0x22, 1]),
  f64Add: binary<'v128', 'v128'>('v128', ...simd(0xf0)),
  f64Sub: binary<'v128', 'v128'>('v128', ...simd(0xf1)),
  f64Mul: binary<'v128', 'v128'>('v128', ...simd(0xf2)),
  f64Div: binary<'v128', 'v128'>('v128', ...simd(0xf3)),
};

export const when = (
  condition: Code<'i32'>,
  then: readonly Statement[],
  otherwise: readonly Statement[] = [],
): Statement =>
  code(
    'void',
    condition.bytes,
    [0x04, 0x40],
    ...then.map(({ bytes }) => bytes),
    ...(otherwise.length > 0 ? [[0x05], ...otherwise.map(({ bytes }) => bytes)] : []),
    [0x0b],
  );

/** Runs the body, again and again while the condition holds after it. */
export const repeatWhile = (condition: Code<'i32'>, body: readonly Statement[]): Statement =>
  code('void', [0x03, 0x40], ...body.map(({ bytes }) => bytes), condition.bytes, [0x0d, 0, 0x0b]);

/** Asks first. */
export const loopWhile = (condition: Code<'i32'>, body: readonly Statement[]): Statement =>
  when(condition, [repeatWhile(condition, body)]);

/** `from <= at < to`, steps of `step`; `to` is evaluated every round, so pass a local. */
export const loopOver = (
  at: Local<'i32'>,
  from: Code<'i32'>,
  to: Code<'i32'>,
  body: readonly Statement[],
  step = 1,
): Statement =>
  sequence(at.set(from), loopWhile(i32.lt(at.get, to), [...body, at.set(i32.add(at.get, i32.const(step)))]));

export const sequence = (...statements: readonly Statement[]): Statement =>
  code('void', ...statements.map(({ bytes }) => bytes));

export const select = <T extends 'i32' | 'i64' | 'f64'>(
  yes: Code<T>,
  no: Code<T>,
  condition: Code<'i32'>,
): Code<T> => code(yes.type, yes.bytes, no.bytes, condition.bytes, [0x1b]);

export const drop = (value: Code<Type>): Statement => code('void', value.bytes, [0x1a]);

export const fillMemory = (to: Address, byte: Code<'i32'>, length: Code<'i32'>): Statement =>
  code('void', to.bytes, byte.bytes, length.bytes, [0xfc, 0x0b, 0]);
export const copyMemory = (to: Address, from: Address, length: Code<'i32'>): Statement =>
  code('void', to.bytes, from.bytes, length.bytes, [0xfc, 0x0a, 0, 0]);

/** Sleeps until notified, unless the word is no longer `expected`; gives up after `timeoutNanos` (negative: never). */
export const waitWhile = (address: Address, expected: Code<'i32'>, timeoutNanos: Code<'i64'>): Statement =>
  drop(code('i32', address.bytes, expected.bytes, timeoutNanos.bytes, [ATOMIC, 0x01, 2, 0]));
/** Wakes everyone who waits at the address. */
export const notifyAll = (address: Address): Statement =>
  drop(code('i32', address.bytes, i32.const(-1).bytes, [ATOMIC, 0x00, 2, 0]));

export interface Local<T extends Type> {
  readonly get: Code<T>;
  readonly set: (value: Code<T>) => Statement;
  /** Sets and leaves the value. */
  readonly tee: (value: Code<T>) => Code<T>;
}

type Parameters = Readonly<Record<string, Type>>;
type Locals<P extends Parameters> = { readonly [K in keyof P]: Local<P[K]> };
type Arguments<P extends Parameters> = { readonly [K in keyof P]: Code<P[K]> };

export interface Func<P extends Parameters, R extends Result> {
  readonly call: (args: Arguments<P>) => Code<R>;
}

interface Compiled {
  readonly name: string;
  readonly type: readonly number[];
  readonly body: readonly number[];
}

const resultTypes = (result: Result): number[][] => (result === 'void' ? [] : [[TYPES[result]]]);
const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
const list = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];
const text = (value: string): number[] => sized([...new TextEncoder().encode(value)]);

/** A module on one imported shared memory (`env.memory`); every function is exported under its name. */
export class Module {
  private readonly functions: Compiled[] = [];

  /** A function whose parameters are passed in the order of `parameters`; `build` may end in a value of type `result`. */
  func<P extends Parameters, R extends Result>(
    name: string,
    parameters: P,
    result: R,
    build: (parameters: Locals<P>, local: <T extends Type>(type: T) => Local<T>) => readonly Code<Result>[],
  ): Func<P, R> {
    const names = Object.keys(parameters);
    const locals: Type[] = [];
    const at = <T extends Type>(type: T, index: number): Local<T> => ({
      get: code(type, [0x20], unsigned(index)),
      set: (value) => code('void', value.bytes, [0x21], unsigned(index)),
      tee: (value) => code(type, value.bytes, [0x22], unsigned(index)),
    });
    const given = Object.fromEntries(
      names.map((key, index) => [key, at(parameters[key] ?? 'i32', index)]),
    ) as unknown as Locals<P>;
    const body = build(given, (type) => at(type, names.length + locals.push(type) - 1));
    const index = this.functions.length;
    this.functions.push({
      name,
      type: [
        0x60,
        ...list(names.map((key) => [TYPES[parameters[key] ?? 'i32']])),
        ...list(resultTypes(result)),
      ],
      body: sized([
        ...list(locals.map((type) => [1, TYPES[type]])),
        ...body.flatMap(({ bytes }) => bytes),
        0x0b,
      ]),
    });
    return {
      call: (args) => code(result, ...names.map((key) => args[key]?.bytes ?? []), [0x10], unsigned(index)),
    };
  }

  /** @param mostPages of 64 KiB: the maximum that the imported memory was made with, at most */
  bytes(mostPages: number): Uint8Array<ArrayBuffer> {
    const section = (id: number, content: readonly number[]): number[] => [id, ...sized(content)];
    const all = this.functions;
    const importedMemory = [
      ...text('env'),
      ...text('memory'),
      0x02,
      0x03,
      ...unsigned(0),
      ...unsigned(mostPages),
    ];
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, list(all.map(({ type }) => type))),
      ...section(2, list([importedMemory])),
      ...section(3, list(all.map((_, index) => unsigned(index)))),
      ...section(7, list(all.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]))),
      ...section(10, list(all.map(({ body }) => body))),
    ]);
  }
}
