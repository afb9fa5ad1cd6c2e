import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { recordOperation, type RegisteredSource } from '../../services/shared/sources/register.ts';
import {
  HOUR_MILLIS,
  isoText,
  millis,
  nextHour,
  type Hour,
} from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

const FIRST = timeOf('2025-03-01T00:00:00Z');
const HOURS = 30;
const LAST = (FIRST + (HOURS - 1) * HOUR_MILLIS) as Hour;

let pipeline: Pipeline;
let source: RegisteredSource;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  source = await pipeline.foldHistory(
    { origin: 'rebuild-trimmed', firstHour: FIRST, lastHour: LAST, partitions: 1 },
    { seed: 12, shares: { conflict: 0.3 } },
  );
});

afterAll(async () => {
  await pipeline.close();
});

test('a conflict with an event whose ledger row was trimmed and whose record has expired stays a dead letter', async () => {
  const { topic } = source;
  const { clickHouse } = pipeline.stack;
  // As `trimLedger` does it, with a floor that is low enough only for the end of this test.
  const floor = (FIRST + 12 * HOUR_MILLIS) as Hour;
  await recordOperation(clickHouse, {
    kind: 'ledger-trimmed',
    subject: isoText(floor),
    detail: { rows: 0, reason: 'a test' },
  });
  await clickHouse.command({
    query: `ALTER TABLE usage_events DELETE WHERE usage_hour < toDateTime({floor:UInt32}, 'UTC')`,
    query_params: { floor: floor / 1000 },
    clickhouse_settings: { mutations_sync: '2' },
  });
  await pipeline.admin.deleteTopicRecords({
    topic,
    partitions: [{ partition: 0, offset: '1500' }],
  });
  const letters = async () =>
    queryRows(clickHouse, 'SELECT offset, code FROM dead_letters FINAL ORDER BY offset');
  const before = await letters();
  const range = [
    '--from',
    isoText(millis(FIRST + 17 * HOUR_MILLIS)),
    '--to',
    isoText(nextHour(LAST, HOUR_MILLIS)),
  ];
  const applied = await usagectl(
    ['rebuild', topic, ...range, '--from-log', '--apply', '--reason', 'a test'],
    pipeline.environment,
  );
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  expect(await letters()).toEqual(before);
});
