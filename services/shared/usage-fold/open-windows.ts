import type { Quantity } from '../model/decimal.ts';
import type { Rows } from './rows.ts';
import {
  addToWindow,
  firstOf,
  windowKey,
  type Window,
  type WindowEvent,
  type WindowIdentity,
} from './window.ts';

/**
 * The windows of the open hour. All of them are in memory, until the bound on bytes makes some leave
 * that are stored; from then on a window must be loaded before its next event is counted.
 */
export interface Windows {
  /** Whether every window of the hour is here. */
  readonly isWhole: boolean;
  readonly size: number;
  /** How many have changed since they were taken last. */
  readonly touchedCount: number;
  values(): Iterable<Window>;
  /** Adds an accepted event to its window, which it may be the first of. */
  add(event: WindowEvent, quantity: Quantity, offset: number): void;
  /** Those that have changed since they were taken last, as they are now. */
  takeTouched(): Rows<Window>;
  /** All windows of the hour, which ends; null where not all are in memory. */
  closed(): Rows<Window> | null;
  /** Those that must be looked for in the store before they are counted. */
  missing(identities: readonly WindowIdentity[]): WindowIdentity[];
  /** What the store has of all that are missing for the next records. */
  load(asked: readonly WindowIdentity[], found: readonly Window[]): void;
  /** Whether they take more than so many bytes. */
  exceeds(maxBytes: number): boolean;
  /**
   * Lets windows go, so that there is some room below the bound; perhaps also some of those wanted. All
   * of them must be stored.
   */
  evict(maxBytes: number, wanted: readonly WindowIdentity[]): unknown;
}

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

/** Windows as objects: the reference that `PackedWindows` is held to. */
export class OpenWindows implements Windows {
  /** The one that has been here longest first. */
  private readonly windows = new Map<string, Window>();
  /** The keys that were looked for in the store last, but those whose window has left again. */
  private requested = new Set<string>();
  private touched = new Set<string>();
  private whole: boolean;
  private bytes = 0;

  /** With the windows as they are stored; null where there are more of them than fit. */
  constructor(stored: readonly Window[] | null = []) {
    this.whole = stored !== null;
    for (const window of stored ?? []) this.set(windowKey(window), window);
  }

  get isWhole(): boolean {
    return this.whole;
  }

  get size(): number {
    return this.windows.size;
  }

  get touchedCount(): number {
    return this.touched.size;
  }

  values(): Iterable<Window> {
    return this.windows.values();
  }

  add(event: WindowEvent, quantity: Quantity, offset: number): void {
    const key = windowKey(event);
    const window = this.get(key);
    this.set(
      key,
      window ? addToWindow(window, quantity, offset) : firstOf(event, quantity, offset),
    );
    this.touched.add(key);
  }

  takeTouched(): Rows<Window> {
    const rows = [...this.touched].flatMap((key) => this.windows.get(key) ?? []);
    this.touched.clear();
    return rows;
  }

  closed(): Rows<Window> | null {
    return this.whole ? [...this.windows.values()] : null;
  }

  missing(identities: readonly WindowIdentity[]): WindowIdentity[] {
    if (this.whole) return [];
    const asked = new Map(identities.map((each) => [windowKey(each), each]));
    return [...asked].flatMap(([key, each]) => (this.windows.has(key) ? [] : [each]));
  }

  load(asked: readonly WindowIdentity[], found: readonly Window[]): void {
    this.requested = new Set(asked.map(windowKey));
    for (const window of found) this.set(windowKey(window), window);
  }

  exceeds(maxBytes: number): boolean {
    return this.bytes > maxBytes;
  }

  /** False where those wanted alone are too large for the bound. */
  evict(maxBytes: number, identities: readonly WindowIdentity[]): boolean {
    const wanted = new Set(identities.map(windowKey));
    for (const [key, window] of this.windows) {
      if (this.bytes <= maxBytes * ROOM) break;
      if (wanted.has(key)) continue;
      this.windows.delete(key);
      this.bytes -= bytesOf(window);
      // Until now all were here: a wanted window that is not here does not exist yet.
      if (this.whole) this.requested = new Set(wanted);
      this.whole = false;
      this.requested.delete(key);
    }
    return this.bytes <= maxBytes;
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
}
