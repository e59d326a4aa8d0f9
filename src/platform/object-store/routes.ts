/** `PUT` and `GET /objects/<token>`: bytes go between the socket and the store, never as a whole through memory. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure, asFailure } from '../../../contracts';
import type { FailureCode } from '../../../contracts';
import type { Database, TenantTx } from '../database';
import type { Logger } from '../log';
import type { ObjectCatalogue } from './catalogue';
import { tenantOf } from './key';
import type { ObjectKey } from './key';
import { MeasuredBody, tooLarge } from './measure';
import type { ObjectStore, PutLimit, StoredObject } from './object-store';
import type { ObjectGrant, SignedUrls } from './signed-urls';

/** What follows an upload of one purpose. */
export interface StoredHook {
  /** In the transaction that records the upload. */
  stored(tx: TenantTx, key: ObjectKey, stored: StoredObject): Promise<void>;
  /** The bytes were refused: cut off, too many, or not those that were declared. */
  refused?(tx: TenantTx, key: ObjectKey, failure: Failure): Promise<void>;
}

export interface ObjectRouteParts {
  readonly store: ObjectStore;
  readonly signedUrls: SignedUrls;
  readonly catalogue: ObjectCatalogue;
  readonly db: Database;
  readonly log: Logger;
  readonly hooks: Readonly<Record<string, StoredHook>>;
}

const REFUSALS: ReadonlySet<FailureCode> = new Set([
  'UPLOAD_INCOMPLETE',
  'UPLOAD_TOO_LARGE',
  'CHECKSUM_MISMATCH',
]);

type Grant = ObjectGrant & { readonly key: ObjectKey };
/** A wildcard, because the router limits the length of a named parameter. */
interface TokenRoute {
  Params: { '*': string };
}

const limitOf = (grant: Grant): PutLimit => ({
  maxBytes: grant.maxBytes ?? 0,
  ...(grant.exactBytes === undefined ? {} : { exactBytes: grant.exactBytes }),
  ...(grant.sha256 === undefined ? {} : { sha256: grant.sha256 }),
});

const measure = async (body: Readable, limit: PutLimit): Promise<StoredObject> => {
  const measured = new MeasuredBody(body, limit);
  // Read to the end for the hash; the bytes themselves are there already.
  for await (const _ of measured) continue;
  return measured.result;
};

const same = (a: StoredObject, b: StoredObject): boolean => a.sha256 === b.sha256;
const alreadyStored = (): Failure =>
  new Failure('CONFLICT', 'other bytes were stored under this URL already', {
    hint: 'an upload URL takes one file; declare another upload for another file',
  });

/** A refused body may still be on its way: read on for a moment, so that the answer arrives before the end. */
const letGo = (raw: IncomingMessage): void => {
  if (raw.complete || raw.destroyed) return;
  raw.resume();
  setTimeout(() => raw.destroy(), 2000).unref();
};

class ObjectRoutes {
  constructor(private readonly parts: ObjectRouteParts) {}

  async put(request: FastifyRequest<TokenRoute>): Promise<StoredObject & { key: ObjectKey }> {
    const grant = this.parts.signedUrls.verify(request.params['*'], 'PUT');
    const limit = limitOf(grant);
    const body = request.body instanceof Readable ? request.body : Readable.from([]);
    const announced = Number(request.headers['content-length'] ?? 0);
    try {
      if (announced > limit.maxBytes) throw tooLarge(limit.maxBytes);
      return { key: grant.key, ...(await this.receive(grant, body, limit)) };
    } catch (error) {
      if (error instanceof Failure && REFUSALS.has(error.code)) await this.refused(grant, error);
      throw error;
    }
  }

  private async refused(grant: Grant, failure: Failure): Promise<void> {
    const { db, hooks, log } = this.parts;
    const hook = hooks[grant.purpose];
    await db
      .within({ tenantId: tenantOf(grant.key) }, async (tx) => hook?.refused?.(tx, grant.key, failure))
      .catch((error: unknown) => log.warn({ err: error }, 'a refused upload could not be recorded'));
  }

  private async receive(grant: Grant, body: Readable, limit: PutLimit): Promise<StoredObject> {
    const { store, catalogue, db } = this.parts;
    const { key } = grant;
    const scope = { tenantId: tenantOf(key) };
    const found = await db.within(scope, (tx) => catalogue.find(tx, key));
    if (found === null || found.state === 'DOOMED') {
      throw new Failure('UPLOAD_EXPIRED', 'this upload is not expected any more');
    }
    if (found.stored !== null) {
      if (same(await measure(body, limit), found.stored)) return found.stored;
      throw alreadyStored();
    }
    const stored =
      (await store.head(key)) === null
        ? await store.put(key, body, limit)
        : await this.adopt(key, body, limit);
    return this.record(grant, stored);
  }

  /** The bytes arrived before and the gateway died before it could say so. */
  private async adopt(key: ObjectKey, body: Readable, limit: PutLimit): Promise<StoredObject> {
    const { store } = this.parts;
    const [sent, there] = [
      await measure(body, limit),
      await measure(await store.get(key), { maxBytes: Number.MAX_SAFE_INTEGER }),
    ];
    if (same(sent, there)) return there;
    throw alreadyStored();
  }

  private async record(grant: Grant, stored: StoredObject): Promise<StoredObject> {
    const { store, catalogue, db, hooks } = this.parts;
    const { key, purpose } = grant;
    try {
      await db.within({ tenantId: tenantOf(key) }, async (tx) => {
        if (await catalogue.markStored(tx, key, stored)) return hooks[purpose]?.stored(tx, key, stored);
        const now = await catalogue.find(tx, key);
        if (now?.stored != null && same(now.stored, stored)) return undefined; // the same upload, twice at once
        throw new Failure('UPLOAD_EXPIRED', 'this upload is not expected any more');
      });
      return stored;
    } catch (error) {
      const failure = asFailure(error);
      // The database may have committed and lost the answer: only a refusal proves that nobody refers to the bytes.
      if (failure.policy.fault === 'caller') await store.delete(key);
      throw error;
    }
  }

  async get(request: FastifyRequest<TokenRoute>, reply: FastifyReply): Promise<Readable> {
    const grant = this.parts.signedUrls.verify(request.params['*'], 'GET');
    const head = await this.parts.store.head(grant.key);
    if (head === null) throw new Failure('NOT_FOUND', 'this object is not stored');
    const body = await this.parts.store.get(grant.key);
    void reply
      .header('content-type', 'application/octet-stream')
      .header('content-length', head.sizeBytes)
      .header('content-disposition', 'attachment')
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'private, no-store');
    return body;
  }
}

/** Registers the routes in a scope of their own: bodies of any type arrive there as streams. */
export const registerObjectRoutes = async (app: FastifyInstance, parts: ObjectRouteParts): Promise<void> => {
  const routes = new ObjectRoutes(parts);
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.setErrorHandler((error, request, reply) => {
      const failure = asFailure(error);
      parts.log[failure.policy.log](
        { err: failure.cause ?? failure, code: failure.code },
        'object request failed',
      );
      letGo(request.raw);
      return reply
        .status(failure.policy.http)
        .header('connection', 'close')
        .send({ error: { code: failure.code, message: failure.message, hint: failure.hint ?? null } });
    });
    scope.put<TokenRoute>('/objects/*', { bodyLimit: Number.MAX_SAFE_INTEGER }, (request) =>
      routes.put(request),
    );
    scope.get<TokenRoute>('/objects/*', (request, reply) => routes.get(request, reply));
  });
};
