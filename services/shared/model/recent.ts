interface Read<Value> {
  /** When it was begun, in milliseconds. */
  readonly begun: number;
  readonly value: Promise<Value>;
}

/** Values that were read a moment ago, for callers who may be told what was true then. */
export class Recent<Value> {
  private readonly maxAge: number;
  private readonly now: () => number;
  private readonly reads = new Map<string, Read<Value>>();

  /**
   * @param maxAge the milliseconds for which a value may be told again, from when its reading began; 0 for never
   * @param now a clock in milliseconds that does not jump
   */
  constructor(maxAge: number, now: () => number = () => performance.now()) {
    this.maxAge = maxAge;
    this.now = now;
  }

  /**
   * The value of a name.
   * @param mayBeRecent whether a value that was read a moment ago will do; otherwise it is read now
   */
  of(name: string, mayBeRecent: boolean, read: () => Promise<Value>): Promise<Value> {
    const now = this.now();
    for (const [other, { begun }] of this.reads) {
      if (now - begun >= this.maxAge) this.reads.delete(other);
    }
    const recent = mayBeRecent ? this.reads.get(name) : undefined;
    if (recent) return recent.value;
    const value = read();
    const mine: Read<Value> = { begun: now, value };
    this.reads.set(name, mine);
    // A failure is told to those who wait for it, and to nobody after them.
    value.catch(() => {
      if (this.reads.get(name) === mine) this.reads.delete(name);
    });
    return value;
  }
}
