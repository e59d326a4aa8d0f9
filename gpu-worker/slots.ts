/** How many tasks of a group may run at once. */
export class Slots {
  private used = 0;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly size: number) {}

  get isFree(): boolean {
    return this.used < this.size;
  }

  /** Takes a slot if one is free. */
  take(): boolean {
    if (!this.isFree) return false;
    this.used++;
    return true;
  }

  release(): void {
    this.used--;
    for (const listener of this.waiting) listener();
  }

  /** Calls back whenever a slot was given back. */
  onFree(listener: () => void): void {
    this.waiting.add(listener);
  }
}
