import { CONTROL_HEADER } from '../../services/shared/model/control-record.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { aggregatesTopicName } from '../../services/shared/kafka/topic-names.ts';
import { partitionName } from '../../services/shared/model/source.ts';
import { parseClosedMarker } from '../../services/shared/model/usage-aggregate.ts';
import { Pipeline } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';
import { readLog } from '../support/workload/read-log.ts';

const HOUR_MILLIS = 2_000;

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
});

afterAll(async () => {
  await pipeline.close();
});

const hoursClosed = async (): Promise<number> => {
  const [row] = await queryRows<{ hours: string }>(
    pipeline.stack.clickHouse,
    `SELECT toString(min(toUnixTimestamp(c.open_hour) * 1000 - toUnixTimestamp(s.first_hour) * 1000)) AS hours
     FROM checkpoints AS c FINAL INNER JOIN sources AS s FINAL ON s.topic = c.topic`,
  );
  return Number(row?.hours) / HOUR_MILLIS;
};

test('an idle live partition closes its hours by itself, and each closed hour has its marker', async () => {
  const aggregator = await pipeline.startAggregator();
  await waitFor(
    'three hours are closed on every partition',
    async () => (await hoursClosed()) >= 3,
  );
  await aggregator.stop();
  const topic = aggregatesTopicName(pipeline.stack.config.USAGE_TOPIC_PREFIX);
  const markers = (await readLog(pipeline.stack.kafka, [topic]))
    .flatMap(({ records }) => records)
    .filter(({ headers }) => headers[CONTROL_HEADER] === 'closed')
    .flatMap(({ value }) => parseClosedMarker(value?.toString('utf8') ?? '') ?? []);
  // On a slow machine the sources open in different hours.
  const firstHours = new Map(
    (await pipeline.sources()).map((each) => [each.topic, each.firstHour]),
  );
  const byPartition = new Map<string, { firstHour: number; hours: number[] }>();
  for (const marker of markers) {
    expect(marker.parts).toBe(0);
    const name = partitionName(marker);
    const hours = byPartition.get(name)?.hours ?? [];
    const firstHour = firstHours.get(marker.topic) ?? 0;
    byPartition.set(name, { firstHour, hours: [...hours, marker.reportedHour] });
  }
  expect(byPartition.size).toBe(3);
  for (const { firstHour, hours } of byPartition.values()) {
    const distinct = [...new Set(hours)];
    expect(distinct.length).toBeGreaterThanOrEqual(3);
    expect(distinct).toEqual(distinct.map((_, n) => firstHour + n * HOUR_MILLIS));
  }
});
