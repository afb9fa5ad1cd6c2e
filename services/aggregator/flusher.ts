import { cut, separate, type Chunk } from '../shared/usage-fold/chunk.ts';
import type { RecordFolder } from '../shared/usage-fold/record-folder.ts';

export interface FlushOptions {
  /**
   * Milliseconds after which what has been folded is stored: more while the reader is far behind, less when nothing
   * more has come for a fifth of it.
   */
  readonly flushInterval: number;
  /** Accepted events after which it is stored at once. */
  readonly flushEvents: number;
}

/**
 * Bytes of folded records after which they are stored at once, so that large records do not fill the
 * memory.
 */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * How much longer folded records wait while the log goes on behind them. A reader has to catch up first, and
 * fewer, larger flushes make it faster.
 */
const WAITS_BEHIND = 4;

/** The part of the interval after which nothing more is expected soon. */
const QUIET_PART = 1 / 5;

/** The most ended hours that wait to be stored together: so much is folded again after a crash, however little it holds. */
const MAX_HOURS = 500;

/**
 * What has been folded and is not stored yet. An hour that ends is cut off and waits to be stored with the
 * next hours, because a flush takes about as long for many hours as for one. Flushes run one after the
 * other. Folding may continue while one runs.
 */
export class Flusher {
  private readonly folder: RecordFolder;
  private readonly options: FlushOptions;
  private readonly write: (chunks: readonly Chunk[]) => Promise<void>;
  /** Chunks that were cut off and are not being stored yet, in the order of the log. */
  private waiting: Chunk[] = [];
  private waitingEvents = 0;
  /** Bytes of the records that are folded but not being stored yet. */
  private bytes = 0;
  /** When the first of them was folded. */
  private since: number | null = null;
  /** When the last of them was folded. */
  private lastAt = 0;
  /** Whether a flush was begun. */
  private hasBegun = false;
  /** Whether the log went on behind the records that were folded last. */
  isBehind = false;
  private cutOffset: number;
  /** The offsets up to which flushes have begun and have ended. */
  private begunOffset: number;
  private storedOffset: number;
  private flushing: Promise<void> = Promise.resolve();
  private failed: { readonly error: unknown } | null = null;

  /** `write` stores chunks up to the checkpoint of the last one. */
  constructor(
    folder: RecordFolder,
    options: FlushOptions,
    write: (chunks: readonly Chunk[]) => Promise<void>,
  ) {
    this.folder = folder;
    this.options = options;
    this.write = write;
    const { nextOffset } = folder.state;
    this.cutOffset = nextOffset;
    this.begunOffset = nextOffset;
    this.storedOffset = nextOffset;
  }

  /** Notes that records of this many bytes were folded at `now`. */
  folded(bytes: number, now: number): void {
    this.bytes += bytes;
    if (this.folder.state.nextOffset === this.begunOffset) return;
    this.lastAt = now;
    // What the owner finds first has waited already while there was no owner.
    this.since ??= this.hasBegun ? now : -Infinity;
  }

  /** Whether there is so much that it should be stored at once. */
  get isFull(): boolean {
    return (
      this.waitingEvents + this.folder.state.pending.ledger.length >= this.options.flushEvents ||
      this.bytes >= MAX_BYTES ||
      this.waiting.length >= MAX_HOURS
    );
  }

  /** Cuts off what is pending. The next flush stores it, together with what is cut off until then. */
  cutOff(): void {
    const { state } = this.folder;
    if (state.nextOffset === this.cutOffset) return;
    const chunk = cut(state, true);
    this.cutOffset = chunk.checkpoint.nextOffset;
    this.waiting.push(chunk);
    this.waitingEvents += chunk.ledger.length;
  }

  /** Begins a flush if folded records have waited long enough and no flush is running. */
  beginIfDue(now: number): void {
    if (this.since === null || this.begunOffset !== this.storedOffset) return;
    if (this.hasWaited(now, this.since) || this.isQuiet(now)) this.begin();
  }

  private hasWaited(now: number, since: number): boolean {
    return now - since >= this.options.flushInterval * (this.isBehind ? WAITS_BEHIND : 1);
  }

  private isQuiet(now: number): boolean {
    return !this.isBehind && now - this.lastAt >= this.options.flushInterval * QUIET_PART;
  }

  /** Stores the folded records. */
  async store(): Promise<void> {
    this.begin();
    await this.flushing;
  }

  /** Waits for the running flush, then begins to store the folded records. */
  async beside(): Promise<void> {
    await this.flushing;
    this.begin();
  }

  /** Resolves when the running flush has ended. */
  settled(): Promise<void> {
    return this.flushing;
  }

  /** @throws why a flush that nobody waited for has failed */
  throwFailure(): void {
    if (this.failed) throw this.failed.error;
  }

  private begin(): void {
    this.cutOff();
    this.since = null;
    this.bytes = 0;
    const chunks = this.waiting;
    if (chunks.length === 0) return;
    separate(this.folder.state);
    this.hasBegun = true;
    this.waiting = [];
    this.waitingEvents = 0;
    this.begunOffset = this.cutOffset;
    const number = this.folder.cutOff();
    const end = this.cutOffset;
    this.flushing = this.flushing.then(async () => {
      await this.write(chunks);
      this.storedOffset = end;
      this.folder.acknowledged(number);
    });
    // The caller that waits for the flush gets the failure; if nobody waits, the timer reports it.
    this.flushing.catch((error: unknown) => {
      this.failed ??= { error };
    });
  }
}
