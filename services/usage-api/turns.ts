interface Line {
  running: number;
  readonly waiting: (() => void)[];
}

/** Lets each caller have a number of calls at work at once; its further ones wait for their turn, in their order. */
export class Turns {
  private readonly atOnce: number;
  private readonly lines = new Map<string, Line>();

  constructor(atOnce: number) {
    this.atOnce = atOnce;
  }

  async run<Result>(caller: string, work: () => Promise<Result>): Promise<Result> {
    const line = this.lines.get(caller) ?? { running: 0, waiting: [] };
    this.lines.set(caller, line);
    if (line.running < this.atOnce) line.running++;
    else await new Promise<void>((begin) => line.waiting.push(begin));
    try {
      return await work();
    } finally {
      const next = line.waiting.shift();
      if (next !== undefined) next();
      else if (--line.running === 0) this.lines.delete(caller);
    }
  }
}
