/** A row by the columns that are compared. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** Collects differences: the first ones in words, the others as a number. */
export class Differences {
  private readonly limit: number;
  private readonly found: string[] = [];
  private more = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(difference: string): void {
    if (this.found.length < this.limit) this.found.push(difference);
    else this.more++;
  }

  /** Compares one row with what it must be. */
  compare(name: string, expected: Row | undefined, actual: Row | undefined): void {
    if (!actual) {
      this.add(`${name} is missing, expected ${JSON.stringify(expected)}`);
      return;
    }
    if (!expected) {
      this.add(`${name} should not be there: ${JSON.stringify(actual)}`);
      return;
    }
    const wrong = Object.entries(expected).filter(([column, value]) => actual[column] !== value);
    if (wrong.length === 0) return;
    const text = wrong.map(
      ([column, value]) =>
        `${column} is ${JSON.stringify(actual[column])}, expected ${JSON.stringify(value)}`,
    );
    this.add(`${name}: ${text.join('; ')}`);
  }

  /** Compares rows by name; every name stands once on each side. */
  async compareAll(
    expected: ReadonlyMap<string, Row>,
    actual: AsyncIterable<readonly [name: string, row: Row]>,
  ): Promise<void> {
    const seen = new Set<string>();
    for await (const [name, row] of actual) {
      if (seen.has(name)) this.add(`${name} is there more than once`);
      else this.compare(name, expected.get(name), row);
      seen.add(name);
    }
    for (const [name, row] of expected) if (!seen.has(name)) this.compare(name, row, undefined);
  }

  get list(): readonly string[] {
    return this.more === 0 ? this.found : [...this.found, `and ${String(this.more)} more`];
  }
}
