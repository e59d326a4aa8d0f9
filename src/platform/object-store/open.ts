import { fileURLToPath } from 'node:url';
import { Failure, oneOf } from '../../../contracts';
import { FileStore } from './file-store';
import type { ObjectStore } from './object-store';
import { S3Store } from './s3-store';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * `file:///folder`, or `s3://bucket?endpoint=http://host:port&region=eu-central-1&pathStyle=true`. Without
 * `credentials` the S3 client looks for them where AWS clients do.
 */
export const openObjectStore = async (url: string, credentials?: S3Credentials): Promise<ObjectStore> => {
  const at = new URL(url);
  switch (at.protocol) {
    case 'file:':
      return FileStore.open(fileURLToPath(at));
    case 's3:':
      return S3Store.open({
        bucket: at.hostname,
        endpoint: at.searchParams.get('endpoint') ?? undefined,
        region: at.searchParams.get('region') ?? 'us-east-1',
        pathStyle: at.searchParams.get('pathStyle') === 'true',
        credentials,
      });
    default:
      throw new Failure('BAD_INPUT', oneOf('object store', at.protocol, ['file:', 's3:']));
  }
};
