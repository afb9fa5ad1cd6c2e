export interface GathererOptions {
  /** So many are written at once, without waiting for more. */
  readonly most: number;
  /** Milliseconds after which what is gathered is written, however little it is. */
  readonly longest: number;
}

/**
 * Gathers what is produced piece by piece, and has it written in few writes, one after another: ClickHouse wants few
 * large inserts.
 */
export class Gatherer<T> {
  private readonly write: (gathered: readonly T[]) => Promise<void>;
  private readonly options: GathererOptions;
  private readonly onCrash: (error: unknown) => void;
  private gathered: T[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** What is gathered is to be written as soon as the write before is over. */
  private isWanted = false;
  private writing: Promise<void> | null = null;

  /** @param onCrash called when a write has failed for good; nothing more is written then */
  constructor(
    write: (gathered: readonly T[]) => Promise<void>,
    options: GathererOptions,
    onCrash: (error: unknown) => void,
  ) {
    this.write = write;
    this.options = options;
    this.onCrash = onCrash;
  }

  add(each: T): void {
    this.gathered.push(each);
    if (this.gathered.length >= this.options.most) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), this.options.longest);
  }

  /** Writes what is gathered as soon as the write before is over. */
  flush(): void {
    this.stopTimer();
    this.isWanted = this.gathered.length > 0;
    if (this.isWanted) this.writing ??= this.writeWanted();
  }

  /** Writes everything. */
  async drain(): Promise<void> {
    this.flush();
    await this.writing;
  }

  /** Forgets what is gathered. */
  drop(): void {
    this.stopTimer();
    this.isWanted = false;
    this.gathered = [];
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async writeWanted(): Promise<void> {
    try {
      while (this.isWanted) {
        this.isWanted = false;
        const written = this.gathered;
        this.gathered = [];
        this.stopTimer();
        await this.write(written);
      }
      this.writing = null;
    } catch (error) {
      this.onCrash(error);
    }
  }
}
