import { chownSync, lstatSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * PostgreSQL refuses to run as root. Started as root we lend it an unprivileged account: `postgres` where the machine
 * has one, else `nobody`. Nothing is created or changed in the machine's accounts.
 */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

const ACCOUNTS = ['postgres', '_postgres', 'nobody'];

/** An account from /etc/passwd, or undefined. initdb insists on one that has a name there. */
const findAccount = (name: string, passwd = readFileSync('/etc/passwd', 'utf8')): Account | undefined => {
  const fields = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((entry) => entry[0] === name);
  const uid = Number(fields?.[2]);
  const gid = Number(fields?.[3]);
  return Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0 ? { uid, gid, name } : undefined;
};

/** The account to run PostgreSQL as: null when we are a plain user already. */
export const accountForPostgres = (): Account | null => {
  if (process.getuid?.() !== 0) return null;
  for (const name of ACCOUNTS) {
    const account = findAccount(name);
    if (account) return account;
  }
  throw new Error(
    `PostgreSQL cannot run as root, and this machine has none of the accounts ${ACCOUNTS.join(', ')}`,
  );
};

/** Whether `account` can walk down to `path`: every folder above it, and `path` if it is one, must let it through. */
export const canReach = (account: Account, path: string): boolean => {
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const bits = uid === account.uid ? mode >> 6 : gid === account.gid ? mode >> 3 : mode;
    if ((bits & 1) === 0) return false;
    if (at === dirname(at)) return true;
  }
};

/** Creates `folder` for `account` alone (or for us). */
export const privateFolder = (folder: string, account: Account | null): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (account) chownSync(folder, account.uid, account.gid);
};

/**
 * A folder of root's that any account can walk through and only root can write: where root keeps what an unprivileged
 * PostgreSQL must reach. A folder that somebody else prepared, or can write to, is not used.
 */
export const rootSharedFolder = (): string => {
  const candidates = ['/var/lib/modelmint', '/var/tmp/modelmint-root'];
  const reasons: string[] = [];
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      const found = lstatSync(folder);
      if (
        !found.isDirectory() ||
        found.uid !== 0 ||
        (found.mode & 0o022) !== 0 ||
        (found.mode & 0o055) !== 0o055
      ) {
        throw new Error('exists, but is not a folder that root alone can write and everyone can enter');
      }
      return folder;
    } catch (error) {
      reasons.push(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `no place for PostgreSQL that an unprivileged account can reach:\n  ${reasons.join('\n  ')}`,
  );
};
