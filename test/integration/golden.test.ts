import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  quantityFromNumber,
  ZERO,
  type Quantity,
} from '../../services/shared/model/decimal.ts';
import { hourState, readCoverage } from '../../services/shared/sources/coverage.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { instanceOf } from '../support/instance-of.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

const SAMPLE = 'samples/recorded-usage.json';
const REPORTED_HOUR = timeOf('2019-12-10T19:00:00Z');

interface RecordedRow {
  readonly properties: {
    readonly subscriptionId: string;
    readonly meterId: string;
    readonly usageStartTime: string;
    readonly usageEndTime: string;
    readonly quantity: number;
    readonly instanceData: string;
  };
}

let pipeline: Pipeline;
let rows: readonly RecordedRow[];

beforeAll(async () => {
  rows = (JSON.parse(await readFile(SAMPLE, 'utf8')) as { value: RecordedRow[] }).value;
  pipeline = await Pipeline.open(HOUR_MILLIS);
  await pipeline.startAggregator();
  const replayed = await usagectl(['replay', SAMPLE], pipeline.environment);
  expect(replayed).toMatchObject({ code: 0, stderr: '' });
  await waitFor('the recorded hour is complete', async () => {
    const coverage = await readCoverage(pipeline.stack.clickHouse);
    return hourState(coverage, REPORTED_HOUR, HOUR_MILLIS) === 'complete';
  });
});

afterAll(async () => {
  await pipeline.close();
});

const byText = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

test('the reported hour holds exactly the 79 recorded rows', async () => {
  const stored = await queryRows<Record<string, string | number | null>>(
    pipeline.stack.clickHouse,
    `SELECT subscription_id, meter_id, resource_uri, toUnixTimestamp(usage_hour) AS start,
       toUnixTimestamp(usage_hour_end) AS end, toString(quantity) AS quantity, location, tags,
       additional_info, toUnixTimestamp(reported_hour) AS reported, event_count
     FROM usage_closed_hours`,
  );
  const recorded = rows.map(({ properties }) => {
    const { resourceUri, location, tags, additionalInfo } = instanceOf({ properties });
    return {
      subscription_id: properties.subscriptionId,
      meter_id: properties.meterId,
      resource_uri: resourceUri,
      start: timeOf(properties.usageStartTime) / 1000,
      end: timeOf(properties.usageEndTime) / 1000,
      quantity: properties.quantity,
      location,
      tags,
      additional_info: additionalInfo,
      reported: REPORTED_HOUR / 1000,
      event_count: 1,
    };
  });
  const asDoubles = stored.map((row) => ({ ...row, quantity: Number(row['quantity']) }));
  expect(asDoubles).toHaveLength(79);
  expect([...asDoubles].sort(byText)).toEqual([...recorded].sort(byText));
});

/** The exact decimal sum of the recorded rows, by what they are grouped by. */
const recordedSums = (keyOf: (row: RecordedRow) => string): Record<string, string> => {
  const sums = new Map<string, Quantity>();
  for (const row of rows) {
    const quantity = quantityFromNumber(row.properties.quantity) ?? ZERO;
    const key = keyOf(row);
    sums.set(key, addQuantities(sums.get(key) ?? ZERO, quantity));
  }
  return Object.fromEntries([...sums].map(([key, sum]) => [key, formatQuantity(sum)]));
};

const storedSums = async (query: string): Promise<Record<string, string>> => {
  const stored = await queryRows<{ key: string; quantity: string }>(
    pipeline.stack.clickHouse,
    query,
  );
  return Object.fromEntries(
    stored.map(({ key, quantity }) => [key, formatQuantity(parseQuantity(quantity) ?? ZERO)]),
  );
};

test("the sum of every meter equals the file's, in exact decimals", async () => {
  expect(
    await storedSums(
      'SELECT meter_key AS key, toString(sum(quantity)) AS quantity FROM usage_hourly FINAL GROUP BY key',
    ),
  ).toEqual(recordedSums(({ properties }) => properties.meterId.toLowerCase()));
});

test('the daily rows of the day hold the sums', async () => {
  expect(
    await storedSums(
      `SELECT concat(subscription_key, ' ', meter_key, ' ', resource_key) AS key,
         toString(quantity) AS quantity
       FROM usage_daily FINAL WHERE reported_day = toDateTime('2019-12-10 00:00:00', 'UTC')`,
    ),
  ).toEqual(
    recordedSums(({ properties }) => {
      const { resourceUri } = instanceOf({ properties });
      return `${properties.subscriptionId} ${properties.meterId} ${resourceUri}`.toLowerCase();
    }),
  );
});

test('the same file again adds nothing', async () => {
  const before = await pipeline.nextOffsets();
  const again = await usagectl(['replay', SAMPLE], pipeline.environment);
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(again.stdout).toContain('already imported');
  await pipeline.settled();
  expect(await pipeline.nextOffsets()).toEqual(before);
});

test('another file with hours that a source covers is refused', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'usage-golden-'));
  const other = `${directory}/other.json`;
  const file = JSON.parse(await readFile(SAMPLE, 'utf8')) as { value: RecordedRow[] };
  await writeFile(other, JSON.stringify({ ...file, value: file.value.slice(0, 1) }));
  const refused = await usagectl(['replay', other], pipeline.environment);
  await rm(directory, { recursive: true });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/covers reported hours 2019-12-10T19:00:00Z/);
  expect(await pipeline.sources()).toHaveLength(3);
});
