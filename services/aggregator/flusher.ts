import { cut, type Chunk } from '../shared/usage-fold/chunk.ts';
import type { RecordFolder } from '../shared/usage-fold/record-folder.ts';

export interface FlushOptions {
  /** Milliseconds after which what has been folded is stored. */
  readonly flushInterval: number;
  /** Accepted events after which it is stored at once. */
  readonly flushEvents: number;
}

/** Bytes of folded records after which they are stored at once, so that large ones do not fill the memory. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Hours that have ended and wait to be stored together, at most: each takes some KB, however little it holds. */
const MAX_HOURS = 500;

/**
 * What has been folded and is not stored yet. An hour that ends is cut off, and waits to be stored with the
 * next ones: a flush takes about as long for many hours as for one. Flushes run one after the other;
 * folding may continue while one runs.
 */
export class Flusher {
  private readonly folder: RecordFolder;
  private readonly options: FlushOptions;
  private readonly write: (chunks: readonly Chunk[]) => Promise<void>;
  /** Cut off and not being stored yet, in the order of the log. */
  private waiting: Chunk[] = [];
  private waitingEvents = 0;
  /** Bytes of the records that were folded and are not being stored yet. */
  private bytes = 0;
  /** When the first of them was folded. */
  private since: number | null = null;
  private cutOffset: number;
  /** Up to where flushes were begun, and up to where they have ended. */
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

  /** Records of so many bytes were folded at a time. */
  folded(bytes: number, now: number): void {
    this.bytes += bytes;
    if (this.folder.state.nextOffset !== this.begunOffset) this.since ??= now;
  }

  /** Whether so much has come together that it is to be stored at once. */
  get isFull(): boolean {
    return (
      this.waitingEvents + this.folder.state.pending.ledger.length >= this.options.flushEvents ||
      this.bytes >= MAX_BYTES ||
      this.waiting.length >= MAX_HOURS
    );
  }

  /** Cuts off what is pending; it is stored with the next flush. */
  cutOff(): void {
    const { state } = this.folder;
    if (state.nextOffset === this.cutOffset) return;
    const chunk = cut(state);
    this.cutOffset = chunk.checkpoint.nextOffset;
    this.waiting.push(chunk);
    this.waitingEvents += chunk.ledger.length;
  }

  /** Begins a flush where what has been folded has waited long enough, and none is under way. */
  beginIfDue(now: number): void {
    const isDue = this.since !== null && now - this.since >= this.options.flushInterval;
    if (isDue && this.begunOffset === this.storedOffset) this.begin();
  }

  /** Stores what has been folded. */
  async store(): Promise<void> {
    this.begin();
    await this.flushing;
  }

  /** Begins to store what has been folded, after what is being stored. */
  async beside(): Promise<void> {
    await this.flushing;
    this.begin();
  }

  /** What is being stored is stored. */
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
    // Whoever waits for it has the failure, and the timer where nobody does.
    this.flushing.catch((error: unknown) => {
      this.failed ??= { error };
    });
  }
}
