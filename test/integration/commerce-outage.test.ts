import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { aggregatesTopicName } from '../../services/shared/kafka/topic-names.ts';
import {
  formatQuantity,
  parseQuantity,
  type Quantity,
} from '../../services/shared/model/decimal.ts';
import { partitionOfKey } from '../../services/shared/model/placement.ts';
import { isoText, type Hour } from '../../services/shared/model/time.ts';
import { aggregateKey } from '../../services/shared/model/usage-aggregate.ts';
import { usageMonthOf } from '../../services/shared/model/usage-months.ts';
import { OUT_PARTITIONS } from '../../services/shared/sources/check-topics.ts';
import { writeSource } from '../../services/shared/sources/register.ts';
import {
  aggregateOf,
  aggregateRecord,
  hour,
  markerRecord,
  ONE,
  sourceOf,
  uriOf,
  type PlacedAggregate,
} from '../support/bridge/aggregates-log.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';

/** Twelve hours before January ends. */
const FIRST = hour(21 * 24 + 12);
const AT = { topic: 'usage.events.compute', epoch: 1, partition: 0 };
const BEFORE = 4;
const AWAY = 30;
const AFTER = 4;
const COMMERCE = { COMMERCE_MAX_AGE_HOURS: '24', COMMERCE_FAULTS: 'on' };

let stack: BillingStack;
beforeEach(async () => {
  stack = await openBillingStack();
});
afterEach(() => stack.close());

const hourAt = (n: number): Hour => (FIRST + n * 3_600_000) as Hour;

/** Quantities that a double holds exactly, so that sums can be compared digit by digit. */
const usageOf = (n: number): readonly PlacedAggregate[] =>
  ['a', 'b'].map((name, r) =>
    aggregateOf(AT, hourAt(n), uriOf(name), {
      quantity: ((ONE * BigInt(4 * n + r + 1)) / 4n) as Quantity,
    }),
  );

const publish = async (n: number): Promise<void> => {
  const key = aggregateKey(AT);
  const at = {
    topic: aggregatesTopicName(stack.config.USAGE_TOPIC_PREFIX),
    partition: partitionOfKey(key, OUT_PARTITIONS),
  };
  const usage = usageOf(n);
  await stack.tools.writer.append(at, [
    ...usage.map((each, part) => aggregateRecord(each, stack.keyring, part)),
    markerRecord(AT, hourAt(n), usage, stack.keyring),
  ]);
};

/** Commerce's clock stands a little after the end of an hour. */
const setClock = async (n: number): Promise<void> => {
  const response = await fetch(`${stack.commerceUrl}/clock`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ now: isoText((hourAt(n + 1) + 300_000) as Hour) }),
  });
  if (!response.ok) throw new Error(await response.text());
};

type Sums = Readonly<Record<string, string>>;

const sumsOf = (parts: readonly (readonly [string, bigint])[]): Sums => {
  const sums = new Map<string, bigint>();
  for (const [name, part] of parts) sums.set(name, (sums.get(name) ?? 0n) + part);
  return Object.fromEntries(
    [...sums].sort().map(([name, sum]) => [name, formatQuantity(sum as Quantity)]),
  );
};

/** What was used, by month: the windows. */
const used = (hours: number): Sums =>
  sumsOf(
    Array.from({ length: hours }, (_, n) => usageOf(n))
      .flat()
      .map(({ reportedHour, quantity }) => [usageMonthOf(reportedHour), quantity]),
  );

/** What the bridge has recorded as accepted, by month of usage. */
const accepted = async (): Promise<Sums> => {
  const rows = await queryRows<{ readonly month: string; readonly quantity: string }>(
    stack.clickHouse,
    `SELECT month, toString(sum(part)) AS quantity
     FROM commerce_submissions FINAL ARRAY JOIN mapKeys(usage_months) AS month, mapValues(usage_months) AS part
     WHERE submission_id IN (
       SELECT submission_id FROM commerce_outcomes FINAL WHERE outcome IN ('accepted', 'duplicate')
     ) GROUP BY month`,
  );
  return sumsOf(rows.map(({ month, quantity }) => [month, parseQuantity(quantity) ?? -1n]));
};

/** The lines of a month's invoice, by month of usage. */
const invoiced = async (month: string): Promise<readonly (readonly [string, bigint])[]> => {
  const response = await fetch(`${stack.commerceUrl}/portal/invoice.csv?month=${month}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  const [heading, ...lines] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(','));
  const column = (name: string): number => heading?.indexOf(name) ?? -1;
  return lines.map((line) => [
    line[column('UsageMonth')] ?? '',
    parseQuantity(line[column('Quantity')] ?? '') ?? -1n,
  ]);
};

test('an outage of 30 hours over the end of a month: all is billed, under its month of usage', async () => {
  const commerce = await stack.startCommerce(COMMERCE);
  await setClock(BEFORE - 1);
  await writeSource(stack.clickHouse, {
    ...sourceOf({ partitions: 1, firstHour: FIRST }),
    revision: 0,
  });
  await stack.startBridge();
  for (let n = 0; n < BEFORE; n++) await publish(n);
  const sent = (compositions: number) =>
    until(
      () => stack.counts(),
      (counts) => counts.compositions === compositions && counts.pending === 0,
    );
  await sent(BEFORE);

  // Its clock goes on while it is away.
  await setClock(BEFORE + AWAY - 1);
  await commerce.end('SIGKILL');
  for (let n = BEFORE; n < BEFORE + AWAY; n++) await publish(n);
  await until(
    () => stack.counts(),
    ({ compositions }) => compositions === BEFORE + AWAY,
  );
  expect((await stack.counts()).pending).toBe(2 * AWAY);
  await stack.startCommerce(COMMERCE);
  await sent(BEFORE + AWAY);
  const { carried } = await stack.counts();
  // From 16:00 to 22:00 of the last day of January, for two resources.
  expect(carried).toBe(14);

  for (let n = BEFORE + AWAY; n < BEFORE + AWAY + AFTER; n++) {
    await setClock(n);
    await publish(n);
    await sent(n + 1);
  }
  const windows = used(BEFORE + AWAY + AFTER);
  expect(Object.keys(windows)).toEqual(['2026-01', '2026-02']);
  expect(await stack.counts()).toMatchObject({ mismatch: 0, deadLettered: 0, carried: 14 });
  expect(await accepted()).toEqual(windows);

  const [january, february] = [await invoiced('2026-01'), await invoiced('2026-02')];
  expect(new Set(january.map(([month]) => month))).toEqual(new Set(['2026-01']));
  // What was used in January and came too late for its invoice is on February's, as usage of January.
  expect(new Set(february.map(([month]) => month))).toEqual(new Set(['2026-01', '2026-02']));
  expect(sumsOf([...january, ...february])).toEqual(windows);
});
