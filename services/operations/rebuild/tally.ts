/** Counts what was found, and keeps the first ones to be shown. */
export class Tally<T> {
  private readonly limit: number;
  private readonly kept: T[] = [];
  private all = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(found: readonly T[]): void {
    this.all += found.length;
    this.kept.push(...found.slice(0, Math.max(0, this.limit - this.kept.length)));
  }

  get count(): number {
    return this.all;
  }

  get first(): readonly T[] {
    return this.kept;
  }

  toJSON(): object {
    return { count: this.all, first: this.kept };
  }
}
