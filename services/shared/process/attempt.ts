/** Measures how long something has been tried without success. */
export class Attempt {
  private readonly now: () => number;
  private since: number | null = null;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Milliseconds since the first attempt after the last success; 0 if nothing is being tried. */
  get pendingFor(): number {
    return this.since === null ? 0 : this.now() - this.since;
  }

  /** Makes an attempt. An attempt in progress and a failed attempt count until the next success. */
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
