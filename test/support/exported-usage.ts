import type { ClickHouseClient } from '@clickhouse/client';
import { readFileSync } from 'node:fs';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import { formatQuantity, quantityFromNumber } from '../../services/shared/model/decimal.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, nextHour, type Hour } from '../../services/shared/model/time.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { instanceOf } from './instance-of.ts';
import type { UsageAggregateResource } from '../../services/usage-api/usage-row.ts';
import {
  closeThrough,
  declareSource,
  hour,
  insertWindows,
  type TestWindow,
} from '../integration/usage-api-fixture.ts';

const TOPIC = 'usage.history.exports';
const PARTITIONS = 2;

/** The reported hours with usage: two of one month and two of the next. */
export const EXPORTED = {
  from: hour('2019-12-31T22'),
  to: hour('2020-01-01T02'),
  dayFrom: hour('2019-12-31T00'),
  dayTo: hour('2020-01-02T00'),
} as const;

const reportedHour = (n: number): Hour => (EXPORTED.from + n * HOUR_MILLIS) as Hour;
const HOURS = [0, 1, 2, 3].map(reportedHour);

const recorded = (): readonly UsageAggregateResource[] =>
  (
    JSON.parse(readFileSync(inRepository('samples/recorded-usage.json'), 'utf8')) as {
      readonly value: readonly UsageAggregateResource[];
    }
  ).value;

const OTHER = 'aaaaaaaa-0000-4000-8000-00000000000a';
const uri = (name: string): string =>
  `/subscriptions/${OTHER}/resourceGroups/=cmd/providers/Microsoft.Compute/virtualMachines/${name}`;

/** Usage that is hard to write down: reported late, largest, smallest, of an unknown meter, with texts that a spreadsheet would run. */
const HARD: readonly Partial<TestWindow>[] = [
  { reportedHour: reportedHour(0), usageHour: hour('2019-12-31T21') },
  { reportedHour: reportedHour(1), usageHour: hour('2019-12-31T21'), quantity: '9' },
  { reportedHour: reportedHour(3), usageHour: hour('2019-12-31T20') },
  {
    reportedHour: reportedHour(2),
    resourceUri: uri('largest'),
    quantity: '999999999999999.999999999999999999999999999999',
  },
  {
    reportedHour: reportedHour(2),
    resourceUri: uri('smallest'),
    quantity: '0.000000000000000000000000000001',
  },
  { reportedHour: reportedHour(2), resourceUri: uri('unknown'), meterId: 'custom-tier-meter' },
  {
    reportedHour: reportedHour(3),
    resourceUri: uri('a,"b"\nc'),
    location: '@SUM(A1)',
    tags: '{"=1+1":"-2","CostCenter":"42","empty":""}',
    additionalInfo: '=HYPERLINK("http://x")',
  },
  { reportedHour: reportedHour(3), resourceUri: 'no resource', tags: 'null' },
];

const windows = (): readonly TestWindow[] => {
  const fromRecording = recorded().map((row, n) => ({
    reportedHour: reportedHour(n % HOURS.length),
    subscriptionId: row.properties.subscriptionId,
    meterId: row.properties.meterId,
    quantity: formatQuantity(quantityFromNumber(row.properties.quantity) ?? (0n as never)),
    ...instanceOf(row),
  }));
  const hard = HARD.map((each) => ({
    reportedHour: EXPORTED.from,
    subscriptionId: OTHER,
    meterId: 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5',
    resourceUri: uri('vm'),
    location: 'northwest',
    tags: '',
    additionalInfo: null,
    quantity: '24',
    ...each,
  }));
  return [...fromRecording, ...hard].map((each, offset) => ({
    usageHour: (each.reportedHour - HOUR_MILLIS) as Hour,
    ...each,
    topic: TOPIC,
    epoch: 1,
    partition: partitionOfKey(resourceKey(each.resourceUri), PARTITIONS),
    firstOffset: offset,
    lastOffset: offset,
  }));
};

/** Stores usage of four reported hours as closed, by hours and days. Returns the number of its windows. */
export const storeExportedUsage = async (client: ClickHouseClient): Promise<number> => {
  const source = await declareSource(client, {
    topic: TOPIC,
    kind: 'history',
    partitions: PARTITIONS,
    firstHour: reportedHour(0),
    lastHour: reportedHour(3),
    state: 'sealed',
  });
  const stored = windows();
  await insertWindows(client, stored);
  const store = new ClickHouseStore(client);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const place = { topic: TOPIC, epoch: 1, partition, source };
    for (const each of HOURS) await store.rollUpDays(place, each, each);
    await closeThrough(client, place, nextHour(reportedHour(3), HOUR_MILLIS), { sealed: true });
  }
  return stored.length;
};
