import type { ClickHouseClient } from '@clickhouse/client';
import { formatQuantity } from '../../shared/model/decimal.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import { isoText, millis } from '../../shared/model/time.ts';
import { ATTRIBUTES, attributeValues } from '../audit/attributes.ts';
import { KEYS } from '../audit/window-rows.ts';
import { contradiction, type Value, type Values } from '../audit/differences.ts';
import { windowName, type CountedHour, type CountedWindow } from '../audit/counted-window.ts';
import {
  instant,
  OF_PARTITION,
  partitionParams,
  selected,
  shortest,
  storedRows,
  type Columns,
} from '../audit/stored-rows.ts';
import type { Times } from './compare-page.ts';
import type { WindowDifference } from './recount.ts';

/** What a rebuild restates where it differs, the quantity and the number of events first. */
const COLUMNS: Columns = {
  quantity: 'toString(t.quantity)',
  event_count: 't.event_count',
  first_offset: 't.first_offset',
  last_offset: 't.last_offset',
  ...ATTRIBUTES,
};
const NAME: Columns = {
  reported_hour: instant('reported_hour'),
  usage_hour: instant('usage_hour'),
  ...KEYS,
};
const NAMED = Object.keys(NAME).length;

const valuesOf = ({ first, ...window }: CountedWindow): Values => [
  formatQuantity(window.quantity),
  window.eventCount,
  window.firstOffset,
  window.lastOffset,
  ...attributeValues(first),
];

interface Expected {
  readonly reportedHour: number;
  readonly window: CountedWindow;
}

/**
 * Where the stored windows of closed hours differ from what the log comes to: what a restatement
 * would change once the ledger is mended. Usage before the floor, of which the ledger does not tell,
 * is left out.
 */
export const compareRecounted = async (
  client: ClickHouseClient,
  at: SourcePartition,
  times: Times,
  floor: number,
  hours: readonly CountedHour[],
): Promise<readonly WindowDifference[]> => {
  const expected = new Map<string, Expected>();
  for (const { hour, windows } of hours) {
    for (const [name, window] of windows) {
      if (window.usageHour < floor) continue;
      expected.set(`${String(hour)}\0${name}`, { reportedHour: hour, window });
    }
  }
  const rows = storedRows(
    client,
    `SELECT ${selected(NAME)}, ${selected(COLUMNS)} FROM usage_hourly AS t FINAL
     WHERE ${OF_PARTITION} AND t.reported_hour >= toDateTime({start:UInt32}, 'UTC')
       AND t.reported_hour < toDateTime({end:UInt32}, 'UTC')
       AND t.usage_hour >= toDateTime({floor:UInt32}, 'UTC')`,
    {
      ...partitionParams(at),
      start: times.start / 1000,
      end: times.end / 1000,
      floor: floor / 1000,
    },
  );
  const found: WindowDifference[] = [];
  for await (const row of rows) {
    const stored = [shortest(row[NAMED]), ...row.slice(NAMED + 1)];
    const [reported, usage, subscription, meter, resource] = row;
    const name = windowName(Number(usage), String(subscription), String(meter), String(resource));
    const key = `${String(reported)}\0${name}`;
    const each = expected.get(key);
    expected.delete(key);
    if (each && !contradiction(Object.keys(COLUMNS), valuesOf(each.window), stored)) continue;
    found.push(
      difference(
        at,
        {
          reportedHour: Number(reported),
          usageHour: Number(usage),
          subscriptionKey: String(subscription),
          meterKey: String(meter),
          resourceKey: String(resource),
        },
        each?.window ?? null,
        stored,
      ),
    );
  }
  for (const { reportedHour, window } of expected.values()) {
    const { usageHour, subscriptionKey, meterKey, resourceKey } = window;
    const key = { reportedHour, usageHour, subscriptionKey, meterKey, resourceKey };
    found.push(difference(at, key, window, null));
  }
  return found.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
};

const sortKey = (each: WindowDifference): string =>
  [
    isoText(millis(each.reportedHour)),
    isoText(millis(each.usageHour)),
    each.subscriptionKey,
    each.meterKey,
    each.resourceKey,
  ].join('\0');

const difference = (
  { partition }: SourcePartition,
  key: Pick<
    WindowDifference,
    'reportedHour' | 'usageHour' | 'subscriptionKey' | 'meterKey' | 'resourceKey'
  >,
  window: CountedWindow | null,
  stored: readonly Value[] | null,
): WindowDifference => ({
  partition,
  ...key,
  ledgerQuantity: window && formatQuantity(window.quantity),
  ledgerEvents: window && String(window.eventCount),
  rowQuantity: stored && String(stored[0]),
  rowEvents: stored && String(stored[1]),
});
