import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import { enterGivenIds } from '../../services/operations/audit/given-ids.ts';
import { contentOf } from '../../services/operations/audit/content-digest.ts';
import { SeenIds } from '../../services/operations/audit/seen-ids.ts';
import { insertRows } from '../../services/shared/clickhouse/client.ts';

import { uuidText } from '../../services/shared/model/usage-event.ts';
import { eventOf, hour, placeOf } from '../support/fold/fixtures.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

let stack: TestStack;
let directory: string;

beforeAll(async () => {
  stack = await openTestStack();
  directory = await mkdtemp(join(tmpdir(), 'given-ids-'));
});

afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
});

test('of an earlier epoch the audit takes the ids that the aggregator takes: those before its end', async () => {
  const place = placeOf({ epoch: 2 });
  const { topic, partition } = place;
  const at = { topic, epoch: 1, partition };
  const events = [5, 15].map((offset) => ({ offset, event: eventOf({}, String(offset)) }));
  await insertRows(stack.clickHouse, 'checkpoints', [
    { ...at, first_offset: 0, next_offset: 10, open_hour: hour(1) / 1000, sealed: true },
  ]);
  await insertRows(
    stack.clickHouse,
    'usage_events',
    events.map(({ offset, event }) => ({
      ...at,
      offset,
      event_id: uuidText(event.eventId),
      content_digest: '1',
      reported_time: hour(0),
      reported_hour: hour(0) / 1000,
      usage_hour: hour(0) / 1000,
      usage_start: event.usageStartTime,
      usage_end: event.usageEndTime,
      subscription_id: event.subscriptionId,
      meter_id: event.meterId,
      resource_uri: event.resourceUri,
      quantity: '1',
      location: event.location,
      tags: null,
      additional_info: null,
    })),
  );
  const tables = await new ClickHouseStore(stack.clickHouse).eventTables(place, [hour(0)]);
  const ofAggregator = events.map(({ event }) => tables.get(hour(0))?.find(event.eventId) !== null);
  expect(ofAggregator).toEqual([true, false]);

  const seen = new SeenIds(directory, 1024 * 1024);
  await enterGivenIds(stack.clickHouse, seen, place, 0, [hour(0)]);
  const ofAudit = events.map(({ event }) => {
    const usage = { ...event, start: 0, end: 0, quantity: Buffer.alloc(0) };
    return seen.enter(hour(0), Buffer.from(event.eventId), contentOf(usage as never));
  });
  expect(ofAudit.map((found) => found === 'same' || found === 'other')).toEqual(ofAggregator);
});
