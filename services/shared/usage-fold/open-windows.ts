import type { Quantity } from '../model/decimal.ts';
import { ATTRIBUTES, IDENTITY } from '../model/event-texts.ts';
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
 * The windows of the open hour. All are in memory until the bound on bytes forces stored windows out. From
 * then on a window must be loaded before its next event is counted.
 */
export interface Windows {
  /** Whether every window of the hour is in memory. */
  readonly isWhole: boolean;
  readonly size: number;
  /** The number of windows that have changed since `takeTouched` was last called. */
  readonly touchedCount: number;
  values(): Iterable<Window>;
  /** Adds an accepted event to its window. It may be the window's first event. */
  add(event: WindowEvent, quantity: Quantity, offset: number): void;
  /** The windows that have changed since the last call, as they are now. */
  takeTouched(): Rows<Window>;
  /** What is taken from now on is not stored together with what was taken before. */
  separate(): void;
  /** All windows of the hour that ends; null if not all are in memory. */
  closed(): Rows<Window> | null;
  /** The windows that must be looked up in the store before their events are counted. */
  missing(identities: readonly WindowIdentity[]): WindowIdentity[];
  /** Takes the windows that the store has of the missing ones, `asked`. */
  load(asked: readonly WindowIdentity[], found: readonly Window[]): void;
  /** Whether the windows take more than `maxBytes`. */
  exceeds(maxBytes: number): boolean;
  /**
   * Evicts windows, so that there is some room below the bound. Wanted windows may be evicted too. All
   * windows must be stored before.
   */
  evict(maxBytes: number, wanted: readonly WindowIdentity[]): unknown;
}

/** Bytes of a window without its texts, as measured. */
export const WINDOW_BYTES = 500;

/** How full memory is after an eviction, so that evictions are not needed at every turn. */
const ROOM = 0.75;

/**
 * The approximate size of a window in memory. Its identity is held as written, in lower case and as the
 * key.
 */
const bytesOf = (window: Window): number =>
  WINDOW_BYTES +
  IDENTITY.reduce((sum, { name }) => sum + 3 * window[name].length, 0) +
  ATTRIBUTES.reduce((sum, { name }) => sum + (window[name]?.length ?? 0), 0);

/** Windows as objects. Tests compare `PackedWindows` with this reference. */
export class OpenWindows implements Windows {
  /** The window that has been here longest comes first. */
  private readonly windows = new Map<string, Window>();
  /** The keys that were last looked up in the store, except those whose window has been evicted since. */
  private requested = new Set<string>();
  private touched = new Set<string>();
  private whole: boolean;
  private bytes = 0;

  /** @param stored the stored windows; null if they do not all fit in memory */
  constructor(stored: Iterable<Window> | null = []) {
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

  separate(): void {
    // Each cut is an array of its own.
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

  /** Returns false if the wanted windows alone exceed the bound. */
  evict(maxBytes: number, identities: readonly WindowIdentity[]): boolean {
    const wanted = new Set(identities.map(windowKey));
    for (const [key, window] of this.windows) {
      if (this.bytes <= maxBytes * ROOM) break;
      if (wanted.has(key)) continue;
      this.windows.delete(key);
      this.bytes -= bytesOf(window);
      // Until now all windows were in memory: a wanted window that is not in memory does not exist yet.
      if (this.whole) this.requested = new Set(wanted);
      this.whole = false;
      this.requested.delete(key);
    }
    return this.bytes <= maxBytes;
  }

  /** A window, which must have been loaded; undefined if the hour has no window of that key yet. */
  get(key: string): Window | undefined {
    const window = this.windows.get(key);
    if (window === undefined && !this.whole && !this.requested.has(key)) {
      throw new Error(`the window ${JSON.stringify(key)} was not loaded`);
    }
    return window;
  }

  /** Sets a window as it is now. Its texts never change, so its size does not either. */
  set(key: string, window: Window): void {
    const { size } = this.windows;
    this.windows.set(key, window);
    if (this.windows.size > size) this.bytes += bytesOf(window);
  }
}
