import { OnnxFormatError } from '../errors';

/** Protocol buffers wire format (protobuf.dev/programming-guides/encoding). */
const VARINT = 0;
const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Appends fields to a buffer that grows; a nested message is written to a writer of its own first. */
export class WireWriter {
  private buffer = new Uint8Array(256);
  private length = 0;

  int(field: number, value: number | bigint): void {
    this.varint(field * 8 + VARINT);
    this.varint(value);
  }
  float(field: number, value: number): void {
    this.varint(field * 8 + FIXED32);
    this.reserve(4);
    new DataView(this.buffer.buffer).setFloat32(this.length, value, true);
    this.length += 4;
  }
  string(field: number, text: string): void {
    this.bytes(field, utf8.encode(text));
  }
  bytes(field: number, bytes: Uint8Array): void {
    this.varint(field * 8 + BYTES);
    this.varint(bytes.byteLength);
    this.reserve(bytes.byteLength);
    this.buffer.set(bytes, this.length);
    this.length += bytes.byteLength;
  }
  message(field: number, fill: (writer: WireWriter) => void): void {
    const nested = new WireWriter();
    fill(nested);
    this.bytes(field, nested.view());
  }
  view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  private varint(value: number | bigint): void {
    this.reserve(10);
    if (typeof value === 'bigint' || value < 0 || value > 0xffffffff) {
      let rest = BigInt.asUintN(64, BigInt(value));
      while (rest > 127n) {
        this.buffer[this.length++] = Number(rest & 127n) | 128;
        rest >>= 7n;
      }
      this.buffer[this.length++] = Number(rest);
      return;
    }
    let rest = value;
    while (rest > 127) {
      this.buffer[this.length++] = (rest & 127) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }
  private reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + more));
    larger.set(this.view());
    this.buffer = larger;
  }
}

export interface Field {
  readonly field: number;
  readonly wire: number;
  /** Payload of BYTES, FIXED32 and FIXED64; empty for VARINT. */
  readonly bytes: Uint8Array;
  /** Value of VARINT. */
  readonly int: bigint;
}

const NOTHING = new Uint8Array(0);

/** The fields of one message in order. Every length is checked against the bytes that are there. */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new OnnxFormatError('the file ends inside a number');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new OnnxFormatError('a number is longer than ten bytes');
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at)
      throw new OnnxFormatError(`a field claims ${length} bytes where ${bytes.length - at} are left`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (field === 0 || field > 0x1fffffff) throw new OnnxFormatError(`field number ${field} does not exist`);
    if (wire === VARINT) yield { field, wire, bytes: NOTHING, int: varint() };
    else if (wire === FIXED64) yield { field, wire, bytes: take(8), int: 0n };
    else if (wire === FIXED32) yield { field, wire, bytes: take(4), int: 0n };
    else if (wire === BYTES) yield { field, wire, bytes: take(Number(varint())), int: 0n };
    else throw new OnnxFormatError(`wire type ${wire} is not used by ONNX`);
  }
}

export const expectWire = (field: Field, wire: number, what: string): Field => {
  if (field.wire !== wire) throw new OnnxFormatError(`${what} has wire type ${field.wire}, expected ${wire}`);
  return field;
};

export const textOf = (field: Field, what: string): string => {
  try {
    return fromUtf8.decode(expectWire(field, BYTES, what).bytes);
  } catch (error) {
    if (error instanceof OnnxFormatError) throw error;
    throw new OnnxFormatError(`${what} is not valid UTF-8`);
  }
};

export const intOf = (field: Field, what: string): bigint =>
  BigInt.asIntN(64, expectWire(field, VARINT, what).int);

/** A number that must be exact as a double. */
export const smallIntOf = (field: Field, what: string): number => {
  const value = intOf(field, what);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER))
    throw new OnnxFormatError(`${what} is out of range`);
  return Number(value);
};

export const floatOf = (field: Field, what: string): number => {
  const { bytes } = expectWire(field, FIXED32, what);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
};

/** A repeated integer field, packed or not. */
export const intsOf = (field: Field, what: string): bigint[] => {
  if (field.wire === VARINT) return [intOf(field, what)];
  const { bytes } = expectWire(field, BYTES, what);
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (shift > 70n) throw new OnnxFormatError('a number is longer than ten bytes');
    if (byte > 127) continue;
    values.push(BigInt.asIntN(64, value));
    value = 0n;
    shift = 0n;
  }
  if (shift !== 0n) throw new OnnxFormatError(`${what} ends inside a number`);
  return values;
};

/** A repeated float (4 bytes) or double (8 bytes) field, packed or not. */
export const floatsOf = (field: Field, size: 4 | 8, what: string): number[] => {
  const bytes =
    field.wire === (size === 4 ? FIXED32 : FIXED64) ? field.bytes : expectWire(field, BYTES, what).bytes;
  if (bytes.byteLength % size !== 0) throw new OnnxFormatError(`${what} ends inside a number`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / size }, (_, index) =>
    size === 4 ? view.getFloat32(index * 4, true) : view.getFloat64(index * 8, true),
  );
};
