/** Which processes a process started, and whether they are gone. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** Tells a process from a later one with the same number. */
  readonly born: string;
}

const fromProc = (): SeenProcess[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const after = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
        const [state, parent] = after;
        if (state === 'Z') return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
        // Field 22 of proc(5), counted from the state, which is the third.
        return [{ pid: Number(name), parent: Number(parent), command, born: after[19] ?? '' }];
      } catch {
        return []; // gone meanwhile
      }
    });

const fromPs = (): SeenProcess[] =>
  spawnSync('ps', ['-axo', 'pid=,ppid=,lstart=,command='], { encoding: 'utf8' })
    .stdout.split('\n')
    .flatMap((line) => {
      const [, pid, parent, born, command] =
        /^\s*(\d+)\s+(\d+)\s+(\S+ +\S+ +\S+ +\S+ +\S+)\s+(.*)$/.exec(line) ?? [];
      return pid === undefined
        ? []
        : [{ pid: Number(pid), parent: Number(parent), command: command ?? '', born: born ?? '' }];
    });

const all = (): SeenProcess[] => (process.platform === 'linux' ? fromProc() : fromPs());

/** Everything below a process, however deep. */
export const descendants = (pid: number): SeenProcess[] => {
  const processes = all();
  const below = (parent: number): SeenProcess[] =>
    processes.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)]);
  return below(pid);
};

/** Those of `expected` that still run after `patienceMs`. */
export const leftOf = async (
  expected: readonly SeenProcess[],
  patienceMs: number,
): Promise<SeenProcess[]> => {
  const until = Date.now() + patienceMs;
  for (;;) {
    const now = new Map(all().map((each) => [each.pid, each.born]));
    const left = expected.filter(({ pid, born }) => now.get(pid) === born);
    if (left.length === 0 || Date.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};
