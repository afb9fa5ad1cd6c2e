import type { Hour } from '../../model/time.ts';
import { grown } from './growing.ts';
import { HashIndex, NONE } from './hash-index.ts';
import { addLimbs, LIMBS } from './limbs.ts';

/** Bytes of a window without the texts of its series, including its slots in the index. */
export const WINDOW_BYTES = 84;

/**
 * The windows of one reported hour: the sum of the events of an identity (see `SeriesTable`) and a usage
 * hour. They are kept in arrays, one entry each.
 */
export class WindowTable {
  private readonly index = new HashIndex();
  private identities = new Int32Array(16);
  /** Of each identity the window that was used last, plus one: mostly it is wanted again. */
  private recent = new Int32Array(16);
  private hours = new Float64Array(16);
  /** The series and the texts of its first event. */
  private series = new Int32Array(16);
  private texts = new Int32Array(16);
  private sums = new Uint32Array(16 * LIMBS);
  private events = new Float64Array(16);
  private first = new Float64Array(16);
  private last = new Float64Array(16);

  get size(): number {
    return this.index.size;
  }

  find(identity: number, usageHour: number): number {
    const recent = (this.recent[identity] ?? 0) - 1;
    if (recent !== NONE && this.hours[recent] === usageHour) return recent;
    const { index } = this;
    for (let slot = index.begin(hashOf(identity, usageHour)); ; slot = index.next(slot)) {
      const window = index.at(slot);
      if (window === NONE) return NONE;
      if (this.identities[window] === identity && this.hours[window] === usageHour) {
        this.recent[identity] = window + 1;
        return window;
      }
    }
  }

  /** Adds a window that `find` has not found, with no events yet. */
  open(identity: number, usageHour: number, series: number, texts: number, offset: number): number {
    const window = this.index.add(hashOf(identity, usageHour));
    this.reserve(window);
    this.recent = grown(this.recent, identity + 1);
    this.recent[identity] = window + 1;
    this.identities[window] = identity;
    this.hours[window] = usageHour;
    this.series[window] = series;
    this.texts[window] = texts;
    this.events[window] = 0;
    this.first[window] = offset;
    this.last[window] = NONE;
    return window;
  }

  /**
   * Adds an accepted event. A window that was stored before a crash may already contain it. Its last offset
   * says so, and then it stays as it is.
   */
  add(window: number, quantity: Uint32Array, offset: number): void {
    if (offset <= (this.last[window] ?? 0)) return;
    addLimbs(this.sums, window * LIMBS, quantity);
    this.events[window] = (this.events[window] ?? 0) + 1;
    this.last[window] = offset;
  }

  /** Sets the content of a stored window. */
  restore(window: number, quantity: Uint32Array, events: number, lastOffset: number): void {
    this.sums.set(quantity, window * LIMBS);
    this.events[window] = events;
    this.last[window] = lastOffset;
  }

  usageHourOf(window: number): Hour {
    return (this.hours[window] ?? 0) as Hour;
  }

  seriesOf(window: number): number {
    return this.series[window] ?? NONE;
  }

  textsOf(window: number): number {
    return this.texts[window] ?? NONE;
  }

  eventsOf(window: number): number {
    return this.events[window] ?? 0;
  }

  firstOffsetOf(window: number): number {
    return this.first[window] ?? 0;
  }

  lastOffsetOf(window: number): number {
    return this.last[window] ?? 0;
  }

  /** The sums of all windows: each has `LIMBS` numbers from `window * LIMBS` on. */
  get quantities(): Uint32Array {
    return this.sums;
  }

  private reserve(window: number): void {
    this.identities = grown(this.identities, window + 1);
    this.hours = grown(this.hours, window + 1);
    this.series = grown(this.series, window + 1);
    this.texts = grown(this.texts, window + 1);
    this.sums = grown(this.sums, (window + 1) * LIMBS);
    this.events = grown(this.events, window + 1);
    this.first = grown(this.first, window + 1);
    this.last = grown(this.last, window + 1);
  }
}

/** These numbers are ours: nobody outside can choose them. */
const hashOf = (identity: number, usageHour: number): number => {
  let hash = Math.imul(identity, 0x9e3779b1) ^ Math.imul((usageHour / 1000) | 0, 0x85ebca6b);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
};
