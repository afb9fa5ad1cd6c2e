/** Knows since when something has been tried that has not succeeded yet. */
export class Attempt {
  private readonly now: () => number;
  private since: number | null = null;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Milliseconds since the first try that no success has followed; 0 where nothing is being tried. */
  get pendingFor(): number {
    return this.since === null ? 0 : this.now() - this.since;
  }

  /** Tries it. One that is under way, and one that has failed, count until the next success. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    this.begun();
    const result = await task();
    this.succeeded();
    return result;
  }

  begun(): void {
    this.since ??= this.now();
  }

  succeeded(): void {
    this.since = null;
  }
}
