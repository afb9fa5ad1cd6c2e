import { windowKey, type Window } from './window.ts';

/** Bytes of a window besides its texts, as measured. */
export const WINDOW_BYTES = 500;

/** How full they are after some have left, so that it does not happen at every turn. */
const ROOM = 0.75;

/** Roughly what a window takes in memory. Its identity is held as written, in lower case and as the key. */
const bytesOf = (window: Window): number =>
  WINDOW_BYTES +
  3 * (window.subscriptionId.length + window.meterId.length + window.resourceUri.length) +
  window.location.length +
  (window.tags?.length ?? 0) +
  (window.additionalInfo?.length ?? 0);

/**
 * The windows of the open hour. All of them are here, until the bound on bytes makes some leave that
 * are stored; from then on a window must be loaded before its next event is counted.
 */
export class OpenWindows {
  /** The one that has been here longest first. */
  private readonly windows = new Map<string, Window>();
  /** The keys that were requested for in the store last, but those whose window has left again. */
  private requested = new Set<string>();
  private whole: boolean;
  private bytes = 0;

  /** With the windows as they are stored; null where there are more of them than fit. */
  constructor(stored: readonly Window[] | null = []) {
    this.whole = stored !== null;
    for (const window of stored ?? []) this.set(windowKey(window), window);
  }

  /** Whether every window of the hour is here. */
  get isWhole(): boolean {
    return this.whole;
  }

  get size(): number {
    return this.windows.size;
  }

  values(): Iterable<Window> {
    return this.windows.values();
  }

  /** A window, which must have been loaded; undefined where the hour has none of that key yet. */
  get(key: string): Window | undefined {
    const window = this.windows.get(key);
    if (window === undefined && !this.whole && !this.requested.has(key)) {
      throw new Error(`the window ${JSON.stringify(key)} was not loaded`);
    }
    return window;
  }

  /** A window as it is now. Its texts never change, and so its size. */
  set(key: string, window: Window): void {
    const { size } = this.windows;
    this.windows.set(key, window);
    if (this.windows.size > size) this.bytes += bytesOf(window);
  }

  /** The keys that must be requested for in the store before they are counted. */
  missing(keys: Iterable<string>): string[] {
    if (this.whole) return [];
    return [...new Set(keys)].filter((key) => !this.windows.has(key));
  }

  /** What the store has of all keys that are missing for the next records. */
  load(keys: readonly string[], found: readonly Window[]): void {
    this.requested = new Set(keys);
    for (const window of found) this.set(windowKey(window), window);
  }

  /** Whether they take more than so many bytes. */
  exceeds(maxBytes: number): boolean {
    return this.bytes > maxBytes;
  }

  /**
   * Lets windows go until there is some room below the bound. All of them must be stored. False where
   * those wanted alone are too large for it.
   */
  evict(maxBytes: number, wanted: ReadonlySet<string>): boolean {
    for (const [key, window] of this.windows) {
      if (this.bytes <= maxBytes * ROOM) break;
      if (wanted.has(key)) continue;
      this.windows.delete(key);
      this.bytes -= bytesOf(window);
      // Until now none was missing: a requested window that is not in memory is not stored either.
      if (this.whole) this.requested = new Set(wanted);
      this.whole = false;
      this.requested.delete(key);
    }
    return this.bytes <= maxBytes;
  }
}
