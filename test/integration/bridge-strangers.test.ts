import { queryRows } from '../../services/shared/clickhouse/client.ts';
import type { NewRecord } from '../../services/shared/kafka/new-record.ts';
import { aggregatesTopicName } from '../../services/shared/kafka/topic-names.ts';
import { OUT_PARTITIONS } from '../../services/shared/sources/check-topics.ts';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import { partitionOfKey } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { aggregateKey } from '../../services/shared/model/usage-aggregate.ts';
import {
  aggregateOf,
  aggregateRecord,
  markerRecord,
  stranger,
  uriOf,
} from '../support/bridge/aggregates-log.ts';
import { pastOf } from '../support/bridge/billable-events.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';
import { readLog } from '../support/workload/read-log.ts';

const FIRST = Date.UTC(2025, 0, 1) as Hour;
const HOURS = 3;

let stack: BillingStack;
beforeEach(async () => {
  stack = await openBillingStack();
});
afterEach(() => stack.close());

const composed = (count: number) =>
  until(
    () => stack.counts(),
    ({ compositions, pending }) => compositions === count && pending === 0,
  );

const refusals = async (): Promise<Readonly<Record<string, number>>> => {
  const rows = await queryRows<{ code: string; count: string }>(
    stack.clickHouse,
    'SELECT code, toString(count()) AS count FROM bridge_dead_letters FINAL GROUP BY code',
  );
  return Object.fromEntries(rows.map(({ code, count }) => [code, Number(count)]));
};

test('strangers who write to the aggregates topic stop and change nothing of what is billed', async () => {
  await stack.startCommerce();
  const { source } = await beginHistory(
    stack.tools,
    {
      origin: 'strangers',
      firstHour: FIRST,
      lastHour: (FIRST + (HOURS - 1) * HOUR_MILLIS) as Hour,
      hourMillis: HOUR_MILLIS,
      partitions: 2,
      billable: true,
    },
    stack.config.USAGE_TOPIC_PREFIX,
  );
  const topic = aggregatesTopicName(stack.config.USAGE_TOPIC_PREFIX);
  const append = (partition: number, records: readonly NewRecord[]) =>
    stack.tools.writer.append({ topic, partition }, records);

  // Before anything is published, in the place of each source partition: usage of its first hours.
  for (const partition of [0, 1]) {
    const at = { topic: source.topic, epoch: source.epoch, partition };
    const home = partitionOfKey(aggregateKey(at), OUT_PARTITIONS);
    const fresh = aggregateOf(at, FIRST, uriOf('fresh'));
    const records = [
      { ...aggregateRecord(fresh), headers: {} },
      aggregateRecord(fresh, stranger),
      markerRecord(at, FIRST, [fresh], stranger),
    ];
    await append(home, [...records, { key: null, value: Buffer.alloc(400_000, 'garbage') }]);
  }
  const [bridge] = await Promise.all([stack.startBridge(), stack.startAggregator()]);
  await writeHistory(stack.tools, source, pastOf(FIRST, HOURS, 6));
  await composed(HOURS * 2);
  const before = await stack.reconcile();
  expect(before.differences).toEqual([]);
  expect(await refusals()).toEqual({ 'forged-aggregate': 4, 'forged-control': 2, malformed: 2 });

  // All that was published, copied to every other partition of the topic, where another bridge reads.
  let copies = 0;
  for (const { partition, records } of await readLog(stack.kafka, [topic])) {
    const own = records.filter(({ headers }) => 'usage-control-signature' in headers);
    for (let other = 0; other < OUT_PARTITIONS; other++) {
      if (other === partition || own.length === 0) continue;
      copies += own.length;
      await append(other, own);
    }
  }
  await bridge.end('SIGTERM');
  await stack.startBridge();
  await until(refusals, (found) => found['wrong-partition'] === copies);
  expect(await stack.counts()).toMatchObject({ compositions: HOURS * 2, mismatch: 0, pending: 0 });
  expect(await stack.reconcile()).toEqual(before);
});
