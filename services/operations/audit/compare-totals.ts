import { formatQuantity, parseQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import type { WindowComparison } from './compare-windows.ts';
import { OF_PARTITION, partitionParams, storedRows } from './stored-rows.ts';
import { secondsOf } from './window-rows.ts';

interface Total {
  readonly events: number;
  readonly quantity: Quantity;
}

/**
 * Rows that cannot be recounted from the log are compared with each other: in each reported hour, hourly
 * windows must add up to the ledger, and in each day, daily windows must add up to the hourly ones.
 */
export const compareTotals = async (
  windows: WindowComparison,
  before: { readonly hour: number; readonly day: number },
  floor: number,
): Promise<void> => {
  const { at, differences, source, openHour } = windows;
  const dayMillis = source.hourMillis * 24;
  // Open hours may have been written after the ledger was read, and days after the last closed hour.
  const hours = Math.min(before.hour, openHour);
  const day = (column: string): string =>
    `intDiv(toUnixTimestamp(t.${column}), ${String(dayMillis / 1000)}) * ${String(dayMillis / 1000)}`;
  const kept = `t.usage_hour >= toDateTime({floor:UInt32}, 'UTC')`;
  const total = (table: string, reported: string, count: string, where: string): string =>
    `SELECT ${reported} AS reported, ${count}, toString(sum(t.quantity)) FROM ${table} AS t FINAL
     WHERE ${OF_PARTITION} AND ${where} GROUP BY reported`;
  const read = (query: string, end: number): Promise<ReadonlyMap<number, Total>> =>
    readTotals(windows, query, { floor: secondsOf(floor), end: secondsOf(end) });
  const beforeEnd = (column: string): string => `t.${column} < toDateTime({end:UInt32}, 'UTC')`;

  const inHour = 'toUnixTimestamp(t.reported_hour)';
  const hourWhere = `${kept} AND ${beforeEnd('reported_hour')}`;
  const ledger = await read(total('usage_events', inHour, 'count()', hourWhere), hours);
  const hourly = await read(total('usage_hourly', inHour, 'sum(t.event_count)', hourWhere), hours);
  for (const [hour, problem] of unlike(ledger, hourly, 'the ledger has', 'the windows hold')) {
    differences.add(at, 'hourly', `reported ${isoText(millis(hour * 1000))}`, problem);
  }

  const wholeDays = Math.min(before.day, Math.floor(openHour / dayMillis) * dayMillis);
  const fromHours = await read(
    total('usage_hourly', day('reported_hour'), 'sum(t.event_count)', beforeEnd('reported_hour')),
    wholeDays,
  );
  const daily = await read(
    total(
      'usage_daily',
      'toUnixTimestamp(t.reported_day)',
      'sum(t.event_count)',
      beforeEnd('reported_day'),
    ),
    wholeDays,
  );
  for (const [start, problem] of unlike(fromHours, daily, 'the hours hold', 'the day holds')) {
    differences.add(at, 'daily', `reported ${isoText(millis(start * 1000))}`, problem);
  }
};

const readTotals = async (
  { client, at }: WindowComparison,
  query: string,
  params: Readonly<Record<string, unknown>>,
): Promise<ReadonlyMap<number, Total>> => {
  const totals = new Map<number, Total>();
  for await (const [reported, events, quantity] of storedRows(client, query, {
    ...partitionParams(at),
    ...params,
  })) {
    totals.set(Number(reported), {
      events: Number(events),
      quantity: parseQuantity(String(quantity)) ?? ZERO,
    });
  }
  return totals;
};

const NOTHING: Total = { events: 0, quantity: ZERO };

const unlike = (
  expected: ReadonlyMap<number, Total>,
  found: ReadonlyMap<number, Total>,
  expectedName: string,
  foundName: string,
): readonly (readonly [number, string])[] => {
  const text = ({ events, quantity }: Total): string =>
    `${String(events)} events with ${formatQuantity(quantity)}`;
  return [...new Set([...expected.keys(), ...found.keys()])]
    .sort((a, b) => a - b)
    .flatMap((reported) => {
      const [is, shouldBe] = [found.get(reported) ?? NOTHING, expected.get(reported) ?? NOTHING];
      return is.events === shouldBe.events && is.quantity === shouldBe.quantity
        ? []
        : [[reported, `${foundName} ${text(is)}, ${expectedName} ${text(shouldBe)}`] as const];
    });
};
