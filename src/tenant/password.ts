import { hash, verify } from '@node-rs/argon2';
import { Failure } from '../../contracts';

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane; about 11 ms a core. */
const ARGON2ID = 2;
const PARAMETERS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Hashing shares its threads with file and name look-ups: two at a time leave room, a long queue would only time out. */
const AT_ONCE = 2;
const MOST_WAITING = 20;
/** A hash of nothing that anybody knows: an unknown account costs as much as a known one. */
const DUMMY =
  '$argon2id$v=19$m=19456,t=2,p=1$CBx7lKRY7XONSzi4LKECfA$vB21EgG5skK6oVvz5tB4MeToP5t7MI97hl6Jn2QIh9Y';

export const PASSWORD_LENGTH = { least: 12, most: 200 } as const;

export class Passwords {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** Fails with BAD_INPUT when the password is too short or too long. */
  async hash(password: string): Promise<string> {
    const { least, most } = PASSWORD_LENGTH;
    if (password.length < least || password.length > most) {
      throw new Failure('BAD_INPUT', `a password has ${least} to ${most} characters`, { path: ['password'] });
    }
    return this.inTurn(() => hash(password, PARAMETERS));
  }

  /** Takes the same time for a null hash, and answers false. */
  async verify(stored: string | null, password: string): Promise<boolean> {
    const text = password.slice(0, PASSWORD_LENGTH.most + 1);
    return this.inTurn(async () => {
      const matches = await verify(stored ?? DUMMY, text).catch(() => false);
      return matches && stored !== null;
    });
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= AT_ONCE) {
      if (this.waiting.length >= MOST_WAITING) {
        throw new Failure('OVERLOADED', 'too many people log in at the moment; try again shortly');
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.running++;
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}
