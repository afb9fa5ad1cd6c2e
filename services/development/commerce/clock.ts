import { z } from 'zod';
import { DAY_MILLIS, isoText, millis, type Millis } from '../../shared/model/time.ts';
import { timeSchema } from '../../shared/model/time-text.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import type { Store } from './store.ts';
import { readJson } from './read-json.ts';

const CLOCK = '!clock';

/** Ten years either way: further away, dates would not fit the keys of the store. */
const MAX_OFFSET = 10 * 366 * DAY_MILLIS;

const setting = z.union([
  z.strictObject({ offsetMillis: z.int().min(-MAX_OFFSET).max(MAX_OFFSET) }),
  z.strictObject({ now: timeSchema }),
]);

/** What the clock is set to: an offset from the machine's clock, or an instant from which it goes on. */
const readClockSetting = (text: string, machine: Millis): Result<number, string> => {
  const json = readJson(text);
  if (!json.ok) return json;
  const result = setting.safeParse(json.value);
  if (!result.success) {
    return fail(
      `The clock is set by {"offsetMillis": 3600000} or {"now": "2026-11-30T23:00:00Z"}: ${z.prettifyError(result.error)}`,
    );
  }
  const offset = 'now' in result.data ? result.data.now - machine : result.data.offsetMillis;
  return Math.abs(offset) <= MAX_OFFSET ? succeed(offset) : fail('The time is too far away.');
};

/** Commerce's clock: the machine's, moved by a test. The offset is stored: it outlives the process. */
export class Clock {
  private readonly store: Store;
  private readonly machine: () => Millis;
  private offset: number;

  private constructor(store: Store, machine: () => Millis, offset: number) {
    this.store = store;
    this.machine = machine;
    this.offset = offset;
  }

  static async load(store: Store, machine: () => Millis): Promise<Clock> {
    return new Clock(store, machine, Number((await store.db.get(CLOCK)) ?? 0));
  }

  now(): Millis {
    return millis(this.machine() + this.offset);
  }

  async set(text: string): Promise<Result<null, string>> {
    const offset = readClockSetting(text, this.machine());
    if (!offset.ok) return offset;
    await this.store.write([{ type: 'put', key: CLOCK, value: String(offset.value) }]);
    this.offset = offset.value;
    return succeed(null);
  }

  async reset(): Promise<void> {
    await this.store.write([{ type: 'del', key: CLOCK }]);
    this.offset = 0;
  }

  shown(): { readonly now: string; readonly offsetMillis: number } {
    return { now: isoText(this.now()), offsetMillis: this.offset };
  }
}
