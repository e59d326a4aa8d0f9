/** The parts of s3rver that tests use; the package has no types of its own. */
declare module 's3rver' {
  import type { AddressInfo } from 'node:net';
  export default class S3rver {
    constructor(options: {
      address: string;
      port: number;
      silent: boolean;
      directory: string;
      resetOnClose?: boolean;
      configureBuckets?: { name: string; configs: string[] }[];
    });
    configureBuckets(): Promise<unknown>;
    run(): Promise<AddressInfo>;
    close(): Promise<void>;
  }
}
