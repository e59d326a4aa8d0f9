import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Failure } from '../../../contracts';
import type { Sha256 } from '../../../contracts';
import type { PutLimit, StoredObject } from './object-store';

/**
 * Passes `body` on while counting and hashing; checks `limit` before the last byte is given away, so that a driver which
 * stops at the error has stored nothing. `result` is valid after the iteration ended.
 */
export class MeasuredBody implements AsyncIterable<Buffer> {
  private readonly hash = createHash('sha256');
  private sizeBytes = 0;
  private stored: StoredObject | undefined;

  constructor(
    private readonly body: Readable,
    private readonly limit: PutLimit,
  ) {}

  async *[Symbol.asyncIterator](): AsyncIterator<Buffer> {
    let held: Buffer | undefined;
    try {
      // A request whose body is refused must stay open for the answer.
      const chunks = this.body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer | string>;
      for await (const chunk of chunks) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        this.sizeBytes += bytes.byteLength;
        if (this.sizeBytes > this.limit.maxBytes) throw tooLarge(this.limit.maxBytes);
        this.hash.update(bytes);
        // One chunk is held back until the end is checked.
        if (held !== undefined) yield held;
        held = bytes;
      }
    } catch (error) {
      throw error instanceof Failure ? error : incomplete('the upload ended before all bytes arrived', error);
    }
    this.check();
    if (held !== undefined) yield held;
  }

  private check(): void {
    const { exactBytes, sha256 } = this.limit;
    if (exactBytes !== undefined && this.sizeBytes !== exactBytes) {
      throw incomplete(`${exactBytes} bytes were declared, ${this.sizeBytes} arrived`);
    }
    const digest = this.hash.digest('hex') as Sha256;
    if (sha256 !== undefined && digest !== sha256) {
      throw new Failure('CHECKSUM_MISMATCH', 'the bytes do not have the declared sha-256', {
        hint: 'declare the upload again with the sha-256 of the file that you send',
      });
    }
    this.stored = { sha256: digest, sizeBytes: this.sizeBytes };
  }

  get result(): StoredObject {
    if (this.stored === undefined) throw new Failure('INTERNAL', 'the body was not read to its end');
    return this.stored;
  }
}

export const tooLarge = (maxBytes: number): Failure =>
  new Failure('UPLOAD_TOO_LARGE', `the upload is larger than the ${maxBytes} bytes that were declared`, {
    hint: 'declare the upload again with the size of the file that you send',
  });
const incomplete = (message: string, cause?: unknown): Failure =>
  new Failure('UPLOAD_INCOMPLETE', message, {
    cause,
    hint: 'declare the upload again and send the whole file',
  });
