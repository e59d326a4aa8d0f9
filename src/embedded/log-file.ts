import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const MAX_BYTES = 10 * 1024 * 1024;
const KEPT_FILES = 3;
const TAIL_LINES = 30;

/** A child's output in logs/<name>.log, moved to <name>.log.1 … .3 when it grows, with the last lines at hand. */
export class LogFile {
  private file: number;
  private size: number;
  private readonly lines: string[] = [];
  private partial = '';
  private closed = false;

  constructor(
    folder: string,
    name: string,
    private readonly maxBytes = MAX_BYTES,
  ) {
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, `${name}.log`);
    this.size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    this.file = openSync(this.path, 'a', 0o600);
  }

  readonly path: string;

  follow(output: Readable | null): void {
    output?.on('data', (chunk: Buffer) => this.write(chunk));
    output?.on('error', () => undefined);
  }

  write(chunk: Buffer): void {
    const parts = (this.partial + chunk.toString()).split('\n');
    this.partial = (parts.pop() ?? '').slice(-4096);
    this.lines.push(...parts.filter((line) => line !== ''));
    this.lines.splice(0, Math.max(0, this.lines.length - TAIL_LINES));
    try {
      if (this.size > 0 && this.size + chunk.length > this.maxBytes) this.rotate();
      this.size += chunk.length;
      if (!this.closed) writeSync(this.file, chunk);
    } catch {
      // A full disk costs log lines, not the platform; the last ones are still at hand.
    }
  }

  /** The last lines that the child wrote, oldest first. */
  tail(count = 15): string[] {
    return [...this.lines, ...(this.partial === '' ? [] : [this.partial])].slice(-count);
  }

  close(): void {
    if (!this.closed) closeSync(this.file);
    this.closed = true;
  }

  private rotate(): void {
    this.close();
    for (let index = KEPT_FILES; index >= 1; index--) {
      const from = index === 1 ? this.path : `${this.path}.${index - 1}`;
      if (existsSync(from)) renameSync(from, `${this.path}.${index}`);
    }
    this.size = 0;
    this.file = openSync(this.path, 'a', 0o600);
    this.closed = false;
  }
}
