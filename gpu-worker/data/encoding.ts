import { isUtf8 } from 'node:buffer';
import { Failure } from '../../contracts';

/** Length of `bytes` without a UTF-8 character that it ends inside of. */
const wholeCharacters = (bytes: Buffer): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
};

/** Checks that a stream of chunks is UTF-8, wherever it is cut. `where` says what to name in the message. */
export class EncodingCheck {
  private rest: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer, where: () => string): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const whole = wholeCharacters(bytes);
    if (!isUtf8(bytes.subarray(0, whole))) {
      throw new Failure('INVALID_ENCODING', `the file is not UTF-8: an invalid byte at or after ${where()}`, {
        hint: 'save it as UTF-8',
      });
    }
    this.rest = Buffer.from(bytes.subarray(whole));
  }

  end(): void {
    if (this.rest.length === 0) return;
    throw new Failure('INVALID_ENCODING', 'the file ends inside a UTF-8 character', {
      hint: 'save it as UTF-8',
    });
  }
}
