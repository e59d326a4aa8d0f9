import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Resident bytes of a process; null when it is gone or cannot be asked. Reads /proc on Linux, asks `ps` elsewhere. */
export const residentBytes = async (pid: number): Promise<number | null> => {
  if (process.platform === 'linux') {
    try {
      const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
      return kilobytes === undefined ? null : Number(kilobytes) * 1024;
    } catch {
      return null;
    }
  }
  return new Promise((resolve) => {
    execFile('/bin/ps', ['-o', 'rss=', '-p', String(pid)], (error, stdout) => {
      const kilobytes = Number(stdout.trim());
      resolve(error || !Number.isFinite(kilobytes) ? null : kilobytes * 1024);
    });
  });
};

/** Code, stacks and buffers of an idle runner count as data too: about 110 MB. */
const IDLE_DATA_BYTES = 256 * 1024 * 1024;
const PRLIMIT = ['/usr/bin/prlimit', '/bin/prlimit'];

/**
 * The command line that starts `command` with its data segment limited, so that an oversized allocation is refused by
 * the kernel at once. Where prlimit does not exist (macOS) the watch on resident memory is the limit.
 */
export const withDataLimit = (
  bytes: number,
  command: string,
  args: readonly string[],
): { command: string; args: string[] } => {
  const prlimit = process.platform === 'linux' ? PRLIMIT.find((path) => existsSync(path)) : undefined;
  return prlimit === undefined
    ? { command, args: [...args] }
    : { command: prlimit, args: [`--data=${bytes + IDLE_DATA_BYTES}`, '--core=0', '--', command, ...args] };
};
