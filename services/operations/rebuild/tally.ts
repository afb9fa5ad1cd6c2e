/** Counts what was found, and keeps the first items for display. */
export class Tally<T> {
  private readonly limit: number;
  private readonly kept: T[] = [];
  private all = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** How many more items are kept. */
  get room(): number {
    return this.limit - this.kept.length;
  }

  /** @param count the number found, if not all of them are given because there is no room */
  add(found: readonly T[], count: number = found.length): void {
    this.all += count;
    this.kept.push(...found.slice(0, this.room));
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
