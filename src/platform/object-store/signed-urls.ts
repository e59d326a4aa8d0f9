import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { Failure, Sha256 } from '../../../contracts';
import type { Clock } from '../clock';
import { isObjectKey, objectKey } from './key';
import type { ObjectKey } from './key';

const Grant = z.object({
  v: z.literal(1),
  method: z.enum(['GET', 'PUT']),
  key: z.string().refine(isObjectKey),
  /** Decides what follows a stored upload. */
  purpose: z.string(),
  expiresAtMs: z.number(),
  maxBytes: z.number().int().nonnegative().optional(),
  exactBytes: z.number().int().nonnegative().optional(),
  sha256: Sha256.optional(),
});
export type ObjectGrant = z.infer<typeof Grant>;

const refused = (message: string): Failure =>
  new Failure('UPLOAD_EXPIRED', message, { hint: 'ask the platform for a new URL' });

/**
 * Addresses that carry their own permission: one object, one method, until a time. The token is the grant in JSON and
 * its HMAC-SHA-256 under a key derived from the platform's secret; nothing is looked up to verify it.
 */
export class SignedUrls {
  private readonly signingKey: Buffer;

  constructor(
    private readonly options: {
      readonly publicUrl: () => string;
      readonly secret: Buffer;
      readonly clock: Clock;
    },
  ) {
    this.signingKey = createHmac('sha256', options.secret).update('modelmint object url v1').digest();
  }

  get(key: string, ttlMs: number): string {
    return this.url({
      v: 1,
      method: 'GET',
      key: objectKey(key),
      purpose: 'read',
      expiresAtMs: this.at(ttlMs),
    });
  }

  put(
    key: string,
    grant: { maxBytes: number; exactBytes?: number; sha256?: Sha256; ttlMs: number; purpose: string },
  ): string {
    const { ttlMs, ...rest } = grant;
    return this.url({ v: 1, method: 'PUT', key: objectKey(key), expiresAtMs: this.at(ttlMs), ...rest });
  }

  /** Fails with UPLOAD_EXPIRED: forged, altered and overdue tokens look alike. */
  verify(token: string, method: 'GET' | 'PUT'): ObjectGrant & { readonly key: ObjectKey } {
    const [body, signature, ...rest] = token.split('.');
    if (body === undefined || signature === undefined || rest.length > 0)
      throw refused('this URL is not valid');
    // Compared as text: base64 has several spellings of the same bytes, and only ours counts.
    const given = Buffer.from(signature);
    const expected = Buffer.from(this.sign(body));
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw refused('this URL is not valid');
    const grant = Grant.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
    if (!grant.success || grant.data.method !== method) throw refused('this URL is not valid');
    if (grant.data.expiresAtMs <= this.options.clock.now().getTime()) throw refused('this URL has expired');
    return { ...grant.data, key: objectKey(grant.data.key) };
  }

  private at(ttlMs: number): number {
    return this.options.clock.now().getTime() + ttlMs;
  }
  private sign(body: string): string {
    return createHmac('sha256', this.signingKey).update(body).digest('base64url');
  }
  private url(grant: ObjectGrant): string {
    const body = Buffer.from(JSON.stringify(grant)).toString('base64url');
    return `${this.options.publicUrl()}/objects/${body}.${this.sign(body)}`;
  }
}
