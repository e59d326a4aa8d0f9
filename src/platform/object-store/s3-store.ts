import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Failure } from '../../../contracts';
import { isObjectKey, objectKey, objectPrefix } from './key';
import type { ObjectKey } from './key';
import { MeasuredBody } from './measure';
import type { ObjectStore, PutLimit, StoredObject } from './object-store';

export interface S3Options {
  readonly bucket: string;
  readonly endpoint?: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const absent = (error: unknown): boolean => {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 404;
};
const failed = (error: unknown): never => {
  if (error instanceof Failure) throw error;
  throw new Failure('UNAVAILABLE', 'the object store is not reachable at the moment; try again shortly', {
    cause: error,
  });
};

/** Objects in a bucket that speaks the S3 protocol. Large bodies go up in parts; a failed body leaves no object. */
export class S3Store implements ObjectStore {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor(options: S3Options) {
    this.bucket = options.bucket;
    this.client = new S3Client({
      region: options.region,
      forcePathStyle: options.pathStyle,
      ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      // Older S3-protocol servers do not know the SDK's default trailing checksums; sizes and sha-256 are ours.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  /** A bucket that is not there yet is made: a fresh installation has none. */
  static async open(options: S3Options): Promise<S3Store> {
    const store = new S3Store(options);
    const bucket = { Bucket: options.bucket };
    try {
      await store.client.send(new HeadBucketCommand(bucket));
    } catch (error) {
      if (!absent(error)) failed(error);
      await store.client.send(new CreateBucketCommand(bucket)).catch((cause: unknown) => {
        // Another gateway was first.
        if ((cause as { name?: unknown }).name !== 'BucketAlreadyOwnedByYou') failed(cause);
      });
    }
    return store;
  }

  async put(key: ObjectKey, body: Readable, limit: PutLimit): Promise<StoredObject> {
    if ((await this.head(key)) !== null) throw new Failure('CONFLICT', 'this object is stored already');
    const measured = new MeasuredBody(body, limit);
    const upload = new Upload({
      client: this.client,
      params: {
        Bucket: this.bucket,
        Key: objectKey(key),
        Body: Readable.from(measured, { objectMode: false }),
      },
      queueSize: 2,
      partSize: 8 * 1024 * 1024,
      leavePartsOnError: false,
    });
    await upload.done().catch(failed);
    return measured.result;
  }

  async get(key: ObjectKey): Promise<Readable> {
    try {
      const answer = await this.client.send(
        new GetObjectCommand({ Bucket: this.bucket, Key: objectKey(key) }),
      );
      if (answer.Body instanceof Readable) return answer.Body;
      throw new Failure('INTERNAL', 'the object store answered without a body');
    } catch (error) {
      if (absent(error)) throw new Failure('NOT_FOUND', 'this object is not stored', { cause: error });
      return failed(error);
    }
  }

  async head(key: ObjectKey): Promise<{ sizeBytes: number } | null> {
    try {
      const answer = await this.client.send(
        new HeadObjectCommand({ Bucket: this.bucket, Key: objectKey(key) }),
      );
      return { sizeBytes: answer.ContentLength ?? 0 };
    } catch (error) {
      return absent(error) ? null : failed(error);
    }
  }

  async delete(key: ObjectKey): Promise<void> {
    await this.client
      .send(new DeleteObjectCommand({ Bucket: this.bucket, Key: objectKey(key) }))
      .catch((error: unknown) => (absent(error) ? undefined : failed(error)));
  }

  async deletePrefix(prefix: string): Promise<number> {
    let count = 0;
    for await (const key of this.list(prefix)) {
      await this.delete(key);
      count += 1;
    }
    return count;
  }

  async *list(prefix: string): AsyncIterable<ObjectKey> {
    let token: string | undefined;
    do {
      const page = await this.client
        .send(
          new ListObjectsV2Command({
            Bucket: this.bucket,
            Prefix: objectPrefix(prefix),
            ContinuationToken: token,
          }),
        )
        .catch(failed);
      for (const { Key } of page.Contents ?? []) if (Key !== undefined && isObjectKey(Key)) yield Key;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async close(): Promise<void> {
    this.client.destroy();
  }
}
