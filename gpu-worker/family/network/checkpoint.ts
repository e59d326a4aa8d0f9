/**
 * A training between two epochs as bytes, so that a resumed run ends in the bytes of an uninterrupted one: the letters
 * «MMNT», the length of a JSON head (uint32, little-endian), the head, then all float32 numbers in a fixed order.
 */
import type { Plateau, Weights } from '../../../onnx';
import type { Epoch } from '../../../contracts';
import type { StoppingState } from './early-stopping';
import type { MemberState } from './member';

export interface TrainingState {
  readonly history: readonly Epoch[];
  readonly plateau: Plateau;
  readonly stopping: StoppingState;
  readonly members: readonly MemberState[];
}

/** What a checkpoint must agree with, and the order of its numbers. */
export interface Layout {
  /** Of everything that the result depends on; a checkpoint of something else is not used. */
  readonly fingerprint: string;
  /** How products are computed; left out: in float32. */
  readonly precision?: 'mixed';
  /** State tensors of a member and their lengths. */
  readonly state: readonly (readonly [name: string, length: number])[];
  /** Parameters and buffers. */
  readonly weights: readonly (readonly [name: string, length: number])[];
}

interface Head {
  readonly fingerprint: string;
  readonly precision?: 'mixed';
  readonly history: readonly Epoch[];
  readonly plateau: Plateau;
  readonly lowest: number | null;
  readonly since: number;
  readonly kept: number;
  readonly steps: readonly number[];
}

const MAGIC = 'MMNT';

export const packState = (layout: Layout, state: TrainingState): Uint8Array => {
  const kept = state.stopping.kept ?? [];
  const head: Head = {
    fingerprint: layout.fingerprint,
    ...(layout.precision && { precision: layout.precision }),
    history: state.history,
    plateau: state.plateau,
    lowest: state.stopping.lowest,
    since: state.stopping.since,
    kept: kept.length,
    steps: state.members.map(({ step }) => step),
  };
  const arrays = [
    ...state.members.flatMap((member) => layout.state.map(([name]) => member.state[name])),
    ...kept.flatMap((weights) => layout.weights.map(([name]) => weights[name])),
  ];
  const text = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(8);
  prefix.write(MAGIC);
  prefix.writeUInt32LE(text.length, 4);
  return Buffer.concat([
    prefix,
    text,
    ...arrays.map((array = new Float32Array(0)) =>
      Buffer.from(array.buffer, array.byteOffset, array.byteLength),
    ),
  ]);
};

/** Undefined for what is no checkpoint of this very training: it then starts from the beginning. */
export const unpackState = (layout: Layout, bytes: Uint8Array): TrainingState | undefined => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { head, start } = headOf(buffer) ?? { start: 0 };
  if (head?.fingerprint !== layout.fingerprint) return undefined;
  const sum = (list: Layout['state']): number => list.reduce((total, [, length]) => total + length, 0);
  const numbers = head.steps.length * sum(layout.state) + head.kept * sum(layout.weights);
  if (buffer.length !== start + 4 * numbers) return undefined;
  const values = new Float32Array(
    buffer.buffer.slice(buffer.byteOffset + start, buffer.byteOffset + buffer.length),
  );
  let at = 0;
  const read = (list: Layout['state']): Record<string, Float32Array> =>
    Object.fromEntries(list.map(([name, length]) => [name, values.slice(at, (at += length))]));
  const members = head.steps.map((step) => ({ step, state: read(layout.state) }));
  const kept = Array.from({ length: head.kept }, (): Weights => read(layout.weights));
  return {
    history: head.history,
    plateau: head.plateau,
    stopping: { kept: kept.length > 0 ? kept : undefined, lowest: head.lowest, since: head.since },
    members,
  };
};

/** Of the training that a checkpoint is of; undefined where it is none of a network. */
export const savedPrecision = (bytes: Uint8Array): 'float32' | 'mixed' | undefined => {
  const found = headOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return found === undefined ? undefined : (found.head.precision ?? 'float32');
};

/** `start`: of the numbers behind it. */
const headOf = (buffer: Buffer): { readonly head: Head; readonly start: number } | undefined => {
  if (buffer.length < 8 || buffer.toString('latin1', 0, 4) !== MAGIC) return undefined;
  const start = 8 + buffer.readUInt32LE(4);
  const head = parsedHead(buffer.toString('utf8', 8, start));
  return head && { head, start };
};

/** Written by `packState` if its fingerprint is ours, so nothing else needs a check. */
const parsedHead = (text: string): Head | undefined => {
  try {
    return JSON.parse(text) as Head;
  } catch {
    return undefined;
  }
};
