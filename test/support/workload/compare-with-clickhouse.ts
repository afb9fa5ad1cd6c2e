import type { ClickHouseClient } from '@clickhouse/client';
import { SEQUENTIAL } from '../../../services/shared/clickhouse/client.ts';
import { formatQuantity, type Quantity } from '../../../services/shared/model/decimal.ts';
import { asciiLower } from '../../../services/shared/model/placement.ts';
import { partitionName, type SourcePartition } from '../../../services/shared/model/source.ts';
import { hourOf, isoText, millis, type Millis } from '../../../services/shared/model/time.ts';
import { uuidText, type UsageEvent } from '../../../services/shared/model/usage-event.ts';
import { conservationProblems } from './conservation.ts';
import { Differences, type Row } from './differences.ts';
import type { ExpectedPartition, ExpectedTotals, ExpectedWindow } from './expected-totals.ts';
import { quantityOf } from './quantities.ts';

/**
 * Compares every row that the aggregator stored with what the oracle expects, and checks the
 * conservation law. For a pipeline at rest: everything told to the oracle has been folded.
 * @returns the first differences in words; nothing where all is as it must be.
 */
export const compareWithClickHouse = async (
  client: ClickHouseClient,
  expected: ExpectedTotals,
  limit = 20,
): Promise<readonly string[]> => {
  const differences = new Differences(limit);
  const tables = [checkpoints, hourlyWindows, dailyWindows, deadLetters, ledger];
  for (const { query, expect, actual } of tables) {
    const rows = selected(client, query, actual);
    await differences.compareAll(new Map(expect(expected)), rows);
  }
  for (const problem of await conservationProblems(client)) differences.add(problem);
  return differences.list;
};

type Named = readonly [name: string, row: Row];
type Stored = Readonly<Record<string, string | number | boolean | null>>;

interface Comparison {
  readonly query: string;
  readonly expect: (expected: ExpectedTotals) => Iterable<Named>;
  readonly actual: (row: Stored) => Named;
}

async function* selected(
  client: ClickHouseClient,
  query: string,
  named: (row: Stored) => Named,
): AsyncGenerator<Named, void, undefined> {
  const result = await client.query({
    query,
    format: 'JSONEachRow',
    clickhouse_settings: SEQUENTIAL,
  });
  for await (const rows of result.stream<Stored>()) for (const row of rows) yield named(row.json());
}

const PLACE = 'topic, epoch, partition';

const atOf = ({ topic, epoch, partition }: Stored): SourcePartition => ({
  topic: String(topic),
  epoch: Number(epoch),
  partition: Number(partition),
});

const secondsText = (column: string): string => `toUnixTimestamp(${column}) AS ${column}`;
const millisText = (column: string): string =>
  `toString(toUnixTimestamp64Milli(${column})) AS ${column}`;
const text = (...columns: readonly string[]): string =>
  columns.map((column) => `toString(${column}) AS ${column}`).join(', ');

const instantOf = (seconds: string | number | boolean | null | undefined): Millis =>
  millis(Number(seconds) * 1000);
/** As the engine gives it, without the zeros at its end. */
const quantityText = (given: string | number | boolean | null | undefined): string =>
  formatQuantity(quantityOf(String(given)));

const checkpoints: Comparison = {
  query: `SELECT ${PLACE}, ${text('first_offset', 'next_offset', 'accepted', 'duplicate', 'dead_lettered', 'control', 'lost')},
    ${millisText('watermark')}, ${secondsText('open_hour')}, sealed FROM checkpoints AS c FINAL
    WHERE c.next_offset > 0`,
  expect: function* (expected) {
    for (const partition of expected.partitions) {
      if (partition.nextOffset === 0) continue;
      yield [
        `checkpoints ${partitionName(partition.at)}`,
        {
          first_offset: '0',
          next_offset: String(partition.nextOffset),
          accepted: String(partition.accepted),
          duplicate: String(partition.duplicate),
          dead_lettered: String(partition.deadLettered),
          control: String(partition.control),
          lost: '0',
          watermark: isoText(partition.watermark),
          open_hour: isoText(partition.openHour),
          sealed: partition.sealed,
        },
      ];
    }
  },
  actual: (row) => [
    `checkpoints ${partitionName(atOf(row))}`,
    {
      ...row,
      watermark: isoText(millis(Number(row['watermark']))),
      open_hour: isoText(instantOf(row['open_hour'])),
    },
  ],
};

const windowName = (
  table: string,
  at: SourcePartition,
  reported: Millis,
  usage: Millis,
  keys: readonly unknown[],
): string =>
  `${table} ${partitionName(at)} reported ${isoText(reported)} usage ${isoText(usage)} ${keys.join(' ')}`;

const keysOf = (event: UsageEvent): readonly string[] =>
  [event.subscriptionId, event.meterId, event.resourceUri].map(asciiLower);

const attributesOf = (event: UsageEvent): Row => ({
  subscription_id: event.subscriptionId,
  meter_id: event.meterId,
  resource_uri: event.resourceUri,
  location: event.location,
  tags: event.tags,
  additional_info: event.additionalInfo,
});

const ATTRIBUTES = 'subscription_id, meter_id, resource_uri, location, tags, additional_info';
const KEYS = 'subscription_key, meter_key, resource_key';

const totalsOf = (window: ExpectedWindow): Row => ({
  ...attributesOf(window.first),
  quantity: formatQuantity(window.quantity),
  event_count: String(window.eventCount),
  first_offset: String(window.firstOffset),
});

const storedKeys = (row: Stored): readonly unknown[] => [
  row['subscription_key'],
  row['meter_key'],
  row['resource_key'],
];

const hourlyWindows: Comparison = {
  query: `SELECT ${PLACE}, ${secondsText('reported_hour')}, ${secondsText('usage_hour')},
    ${secondsText('usage_hour_end')}, ${KEYS}, ${ATTRIBUTES},
    ${text('quantity', 'event_count', 'first_offset', 'last_offset')} FROM usage_hourly FINAL`,
  expect: function* (expected) {
    for (const window of expected.hourly()) {
      const { at, reported, usage, first } = window;
      const { hourMillis } = expected.partition(at).source;
      yield [
        windowName('usage_hourly', at, reported, usage, keysOf(first)),
        {
          ...totalsOf(window),
          last_offset: String(window.lastOffset),
          usage_hour_end: isoText(millis(usage + hourMillis)),
        },
      ];
    }
  },
  actual: (row) => [
    windowName(
      'usage_hourly',
      atOf(row),
      instantOf(row['reported_hour']),
      instantOf(row['usage_hour']),
      storedKeys(row),
    ),
    {
      ...row,
      quantity: quantityText(row['quantity']),
      usage_hour_end: isoText(instantOf(row['usage_hour_end'])),
    },
  ],
};

const dailyWindows: Comparison = {
  query: `SELECT ${PLACE}, ${secondsText('reported_day')}, ${secondsText('usage_day')},
    ${secondsText('usage_day_end')}, ${secondsText('last_hour')}, ${KEYS}, ${ATTRIBUTES},
    ${text('quantity', 'event_count', 'first_offset')} FROM usage_daily FINAL`,
  expect: function* (expected) {
    for (const window of expected.daily()) {
      const { at, reported, usage, first } = window;
      const { hourMillis } = expected.partition(at).source;
      yield [
        windowName('usage_daily', at, reported, usage, keysOf(first)),
        {
          ...totalsOf(window),
          usage_day_end: isoText(millis(usage + 24 * hourMillis)),
          last_hour: isoText(window.lastHour),
        },
      ];
    }
  },
  actual: (row) => [
    windowName(
      'usage_daily',
      atOf(row),
      instantOf(row['reported_day']),
      instantOf(row['usage_day']),
      storedKeys(row),
    ),
    {
      ...row,
      quantity: quantityText(row['quantity']),
      usage_day_end: isoText(instantOf(row['usage_day_end'])),
      last_hour: isoText(instantOf(row['last_hour'])),
    },
  ],
};

const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;

const deadLetters: Comparison = {
  query: `SELECT ${PLACE}, toString(offset) AS offset, code, ${millisText('reported_time')},
    toString(record_timestamp) AS record_timestamp, base64Encode(record_key) AS record_key,
    base64Encode(record_value) AS record_value, record_headers FROM dead_letters FINAL`,
  expect: function* (expected) {
    for (const { at, deadLetters: letters } of expected.partitions) {
      for (const { offset, code, reportedTime, timestamp, record } of letters) {
        yield [
          `dead_letters ${partitionName(at)} offset ${String(offset)}`,
          {
            code,
            reported_time: isoText(reportedTime),
            record_timestamp: String(timestamp),
            record_key: base64(record.key),
            record_value: base64(record.value),
            record_headers: sortedHeaders(record.headers),
          },
        ];
      }
    }
  },
  actual: (row) => [
    `dead_letters ${partitionName(atOf(row))} offset ${String(row['offset'])}`,
    {
      ...row,
      reported_time: isoText(millis(Number(row['reported_time']))),
      record_headers: storedHeaders(String(row['record_headers'])),
    },
  ],
};

const sortedHeaders = (headers: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(headers).sort());

const storedHeaders = (json: string): string => {
  try {
    return sortedHeaders(JSON.parse(json) as Record<string, string>);
  } catch {
    return json;
  }
};

const ledger: Comparison = {
  query: `SELECT ${PLACE}, toString(offset) AS offset, toString(event_id) AS event_id,
    ${millisText('reported_time')}, ${secondsText('reported_hour')}, ${secondsText('usage_hour')},
    ${millisText('usage_start')}, ${millisText('usage_end')}, toString(quantity) AS quantity, ${ATTRIBUTES}
    FROM usage_events FINAL`,
  expect: function* (expected) {
    for (const partition of expected.partitions) yield* expectedLedger(partition);
  },
  actual: (row) => [
    `usage_events ${partitionName(atOf(row))} offset ${String(row['offset'])}`,
    {
      ...row,
      quantity: quantityText(row['quantity']),
      reported_hour: Number(row['reported_hour']) * 1000,
      usage_hour: Number(row['usage_hour']) * 1000,
    },
  ],
};

function* expectedLedger({
  at,
  source,
  events,
}: ExpectedPartition): Generator<Named, void, undefined> {
  for (const { offset, reportedTime, event } of events) {
    const quantity: Quantity = event.quantity;
    yield [
      `usage_events ${partitionName(at)} offset ${String(offset)}`,
      {
        ...attributesOf(event),
        event_id: uuidText(event.eventId),
        reported_time: String(reportedTime),
        reported_hour: hourOf(reportedTime, source.hourMillis),
        usage_hour: hourOf(event.usageStartTime, source.hourMillis),
        usage_start: String(event.usageStartTime),
        usage_end: String(event.usageEndTime),
        quantity: formatQuantity(quantity),
      },
    ];
  }
}
