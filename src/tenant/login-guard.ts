import { createHash } from 'node:crypto';
import { Failure } from '../../contracts';
import type { Database } from '../platform/database';
import { newId } from '../platform/ids';

/**
 * Failed attempts in the last hour. One address on one account has few; an account is not closed to its owner, who comes
 * from elsewhere, before many addresses tried.
 */
export const LOGIN_LIMITS = { addressOnAccount: 10, account: 100, address: 100 } as const;
const WINDOW = "interval '1 hour'";
const KEPT = "interval '1 day'";

/** Limits guessing. Counted in the database: gateways share the count, and a restart forgets nothing. */
export class LoginGuard {
  constructor(private readonly db: Database) {}

  /**
   * Counts an attempt before it is made, so that many at once cannot slip through; fails with RATE_LIMITED. Returns the
   * attempt, to be taken back when it was right.
   */
  async attempt(email: string, address: string): Promise<string> {
    const id = newId();
    // The address list of a tenant's people is nobody's business: a hash serves for counting.
    const account = createHash('sha256').update(email).digest('hex');
    await this.db.asPlatform('count login attempts', (tx) =>
      tx.query('insert into app.login_attempt (id, account, address, succeeded) values ($1, $2, $3, false)', [
        id,
        account,
        address,
      ]),
    );
    const [counted] = await this.db.asPlatform('count login attempts', (tx) =>
      tx.query<{ both: string; account: string; address: string }[]>(
        `select count(*) filter (where account = $1 and address = $2) as both,
            count(*) filter (where account = $1) as account,
            count(*) filter (where address = $2) as address
           from app.login_attempt where at > now() - ${WINDOW} and not succeeded and (account = $1 or address = $2)`,
        [account, address],
      ),
    );
    if (
      Number(counted?.both) > LOGIN_LIMITS.addressOnAccount ||
      Number(counted?.account) > LOGIN_LIMITS.account ||
      Number(counted?.address) > LOGIN_LIMITS.address
    ) {
      throw new Failure('RATE_LIMITED', 'too many failed logins', {
        hint: 'wait an hour, or ask an owner of the tenant',
      });
    }
    return id;
  }

  async succeeded(attempt: string): Promise<void> {
    await this.db.asPlatform('count login attempts', (tx) =>
      tx.query('delete from app.login_attempt where id = $1', [attempt]),
    );
  }

  /** Old attempts count no more and go. */
  async forgetOld(): Promise<void> {
    await this.db.asPlatform('forget old login attempts', (tx) =>
      tx.query(`delete from app.login_attempt where at < now() - ${KEPT}`),
    );
  }
}
