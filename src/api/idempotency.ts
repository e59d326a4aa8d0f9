import { createHash } from 'node:crypto';
import { canonicalJson, Failure } from '../../contracts';
import type { TenantContext } from '../platform/context';

/** The key of a request and what it stands for: operation, document and variables. */
export const idempotencyOf = (
  header: string | string[] | undefined,
  body: unknown,
): TenantContext['idempotency'] | undefined => {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(header)) {
    throw new Failure('BAD_INPUT', 'Idempotency-Key must be 1 to 200 visible ASCII characters', {
      path: ['Idempotency-Key'],
    });
  }
  const { query, operationName, variables } = (body ?? {}) as Record<string, unknown>;
  const requestHash = createHash('sha256')
    .update(canonicalJson({ query, operationName: operationName ?? null, variables: variables ?? {} }))
    .digest('hex');
  return { key: header, requestHash };
};
