/** What a person sees while the loop plays: steps, one live line on a terminal, plain lines elsewhere. */
import type { WriteStream } from 'node:tty';

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A curve in `width` characters, on a logarithmic scale where all values are positive. */
export const sparkline = (values: readonly number[], width = 48): string => {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return '';
  const scaled = finite.every((value) => value > 0) ? finite.map(Math.log) : finite;
  const step = Math.max(1, scaled.length / width);
  const points: number[] = [];
  for (let at = 0; at < scaled.length; at += step) points.push(scaled[Math.floor(at)]);
  const low = Math.min(...points);
  const range = Math.max(...points) - low || 1;
  return points.map((value) => BLOCKS[Math.round(((value - low) / range) * (BLOCKS.length - 1))]).join('');
};

const bar = (fraction: number, width = 24): string => {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `${'━'.repeat(filled)}${'─'.repeat(width - filled)}`;
};

/** At most six significant digits, no exponent in the usual range. */
export const short = (value: number | null | undefined): string => {
  if (value == null || !Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e12)) return value.toExponential(3);
  return value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
};

export class Terminal {
  private live = false;
  private lastPlain = 0;

  constructor(
    private readonly out: NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>,
    private readonly quiet = false,
  ) {}

  /** Starts a station of the loop. */
  step(title: string): void {
    this.line('');
    this.line(this.out.isTTY ? `\u001b[1m${title}\u001b[0m` : title);
  }

  line(text: string): void {
    if (this.quiet) return;
    this.clear();
    this.out.write(`${text}\n`);
  }

  /** Replaced in place on a terminal; elsewhere one line a second at most. */
  progress(fraction: number, text: string): void {
    if (this.quiet) return;
    if (this.out.isTTY) {
      this.clear();
      this.out.write(
        `  ${bar(fraction)} ${Math.round(fraction * 100)}% ${text}`.slice(0, (this.out.columns ?? 100) - 1),
      );
      this.live = true;
    } else if (Date.now() - this.lastPlain >= 1000) {
      this.lastPlain = Date.now();
      this.out.write(`  ${Math.round(fraction * 100)}% ${text}\n`);
    }
  }

  /** Two columns, the first padded. */
  pairs(rows: readonly (readonly [string, string])[]): void {
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) this.line(`  ${name.padEnd(width)}  ${value}`);
  }

  private clear(): void {
    if (!this.live) return;
    this.out.write('\r\u001b[K');
    this.live = false;
  }
}
