import { usageEventEncoder } from '../../../services/shared/avro/usage-event-codec.ts';
import { queryRows } from '../../../services/shared/clickhouse/client.ts';
import { partitionOfKey, resourceKey } from '../../../services/shared/model/placement.ts';
import { openLiveSources } from '../../../services/operations/sources/live-sources.ts';
import type { Provider } from '../../../services/shared/sources/providers.ts';
import type { RegisteredSource } from '../../../services/shared/sources/register.ts';
import { hourOf, millis, type Hour } from '../../../services/shared/model/time.ts';
import { eventOf, METERS } from './billable-events.ts';
import type { BillingStack } from './billing-stack.ts';

/** Hours of two seconds, so that a test sees many of them close. */
export const SHORT_HOUR = 2_000;

const COMPUTE: Provider = { name: 'compute', namespaces: ['microsoft.compute'], partitions: 2 };

/** Opens a live source with short hours, for compute and of two partitions unless said otherwise. */
export const openLive = async (
  stack: BillingStack,
  provider = COMPUTE,
): Promise<RegisteredSource> => {
  const [source] = await openLiveSources(stack.tools, [provider], {
    prefix: stack.config.USAGE_TOPIC_PREFIX,
    hourMillis: SHORT_HOUR,
    now: Date.now,
  });
  if (!source) throw new Error('the live source was not opened');
  return source;
};

/** Reports usage of every meter by some resources, of the hour before the one that is open now. */
export const reportUsage = async (
  stack: BillingStack,
  source: RegisteredSource,
  resources: number,
  n: number,
): Promise<void> => {
  const encode = usageEventEncoder(stack.tools.schemas);
  const usageHour = (hourOf(millis(Date.now()), SHORT_HOUR) - SHORT_HOUR) as Hour;
  for (let r = 0; r < resources; r++) {
    const records = METERS.map((meter, m) => {
      const event = eventOf(`vm${String(r)}`, meter, usageHour, n * 100 + r * 10 + m, SHORT_HOUR);
      return { key: resourceKey(event.resourceUri), value: encode(event) };
    });
    const partition = partitionOfKey(records[0]?.key ?? '', source.partitions);
    await stack.tools.writer.append({ topic: source.topic, partition }, records);
  }
};

/** Every reported time before it is closed, on every partition of the source. */
export const openHour = async (stack: BillingStack, source: RegisteredSource): Promise<Hour> => {
  const rows = await queryRows<{ readonly closed: number }>(
    stack.clickHouse,
    `SELECT toUnixTimestamp(c.open_hour) AS closed FROM checkpoints AS c FINAL
     WHERE topic = {topic:String} AND epoch = {epoch:UInt32}`,
    { topic: source.topic, epoch: source.epoch },
  );
  return (
    rows.length < source.partitions
      ? source.firstHour
      : Math.min(...rows.map(({ closed }) => closed * 1000))
  ) as Hour;
};
