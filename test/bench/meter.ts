import { peakBytes, processorSeconds, resetPeak } from './proc.ts';

/** What processes have used from one moment to another. */
export interface Usage {
  /** Processor seconds by process. */
  readonly processor: Readonly<Record<string, number>>;
  /** Most resident memory in bytes by process. */
  readonly peak: Readonly<Record<string, number>>;
}

/** Measures processes, by the names that they are given. */
export class Meter {
  private readonly pids: Readonly<Record<string, number>>;
  private before: Readonly<Record<string, number>> = {};

  constructor(pids: Readonly<Record<string, number>>) {
    this.pids = pids;
  }

  begin(): void {
    this.before = this.each(processorSeconds);
    for (const pid of Object.values(this.pids)) resetPeak(pid);
  }

  end(): Usage {
    const now = this.each(processorSeconds);
    const processor = Object.fromEntries(
      Object.entries(now).map(([name, seconds]) => [name, seconds - (this.before[name] ?? 0)]),
    );
    return { processor, peak: this.each(peakBytes) };
  }

  private each(read: (pid: number) => number): Record<string, number> {
    return Object.fromEntries(Object.entries(this.pids).map(([name, pid]) => [name, read(pid)]));
  }
}
