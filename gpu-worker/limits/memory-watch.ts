import { execFile } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';

const LINUX_EVERY_MS = 150;
/** `ps` is a process of its own: asked less often. */
const PS_EVERY_MS = 400;
const LINUX_PAGE_BYTES = 4096;

/** Watches the resident memory of one process and calls `exceeded` once when it passes the limit. */
export class MemoryWatch {
  private peak = 0;
  private timer: NodeJS.Timeout | null = null;
  private readonly statm: number | null;
  private readonly buffer = Buffer.alloc(256);

  constructor(
    private readonly pid: number,
    private readonly limitBytes: number,
    private readonly exceeded: () => void,
  ) {
    this.statm = process.platform === 'linux' ? openStatm(pid) : null;
    this.timer = setInterval(() => this.sample(), this.statm === null ? PS_EVERY_MS : LINUX_EVERY_MS);
    this.timer.unref();
  }

  /** Largest resident size seen so far. */
  get peakBytes(): number {
    return this.peak;
  }

  stop(): void {
    if (this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
    if (this.statm !== null) closeSync(this.statm);
  }

  private sample(): void {
    if (this.statm === null) {
      execFile('ps', ['-o', 'rss=', '-p', String(this.pid)], (error, output) => {
        if (error === null) this.seen(Number.parseInt(output, 10) * 1024);
      });
      return;
    }
    try {
      // The open descriptor belongs to this very process: a reused pid gives ESRCH, not another's memory.
      const length = readSync(this.statm, this.buffer, 0, this.buffer.length, 0);
      const pages = Number.parseInt(this.buffer.toString('latin1', 0, length).split(' ')[1] ?? '', 10);
      this.seen(pages * LINUX_PAGE_BYTES);
    } catch {
      this.stop();
    }
  }

  private seen(residentBytes: number): void {
    if (this.timer === null || !Number.isFinite(residentBytes)) return;
    this.peak = Math.max(this.peak, residentBytes);
    if (residentBytes <= this.limitBytes) return;
    this.stop();
    this.exceeded();
  }
}

const openStatm = (pid: number): number | null => {
  try {
    return openSync(`/proc/${pid}/statm`, 'r');
  } catch {
    return null;
  }
};
