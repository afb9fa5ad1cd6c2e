import { partitionOfKey } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import type { HostileRecord } from './hostile-records.ts';
import { HOSTILE_PROVIDER } from './hostile-topic.ts';
import { MemoryGauge } from './memory-gauge.ts';
import { framed, rawDatum } from './raw-event.ts';
import { HostileSender } from './send-hostile.ts';

const TAGS_BYTES = 1_046_000;
const MIB = 1024 * 1024;
const PATIENCE_SECONDS = 300;

/** An event of a resource of its own in the open hour, with tags of 1 MiB. */
const largeEvent = (n: number, hour: number): HostileRecord => {
  const uri = `/subscriptions/flood/providers/microsoft.compute/things/${String(n)}`;
  const eventId = Buffer.alloc(16);
  eventId.writeUInt32BE(n);
  const event = {
    eventId,
    subscriptionId: Buffer.from('flood'),
    meterId: Buffer.from('x'),
    resourceUri: Buffer.from(uri),
    usageStartTime: BigInt(hour),
    usageEndTime: BigInt(hour + 1),
    quantity: Buffer.from([1]),
    location: Buffer.from('local'),
    tags: Buffer.alloc(TAGS_BYTES, 'x'),
    additionalInfo: null,
  };
  const key = Buffer.from(uri);
  const partition = partitionOfKey(key, HOSTILE_PROVIDER.partitions);
  const value = framed(rawDatum(event));
  return { family: 'large', partition, key, value, headers: {}, expected: null };
};

/**
 * Floods one open hour with large events of resources that have no other, more of them than the heap
 * could hold: what the aggregator keeps of an hour must not grow with what its events carry.
 * @returns what is wrong.
 */
export const flood = async (records: number, heapMib: number): Promise<readonly string[]> => {
  const pipeline = await Pipeline.open(HOUR_MILLIS, [HOSTILE_PROVIDER]);
  try {
    const [source] = await pipeline.sources();
    if (!source) throw new Error('there is no source');
    const aggregator = await pipeline.startAggregator({
      NODE_OPTIONS: `--max-old-space-size=${String(heapMib)}`,
      AGGREGATOR_SESSION_MILLIS: '10000',
      LOG_LEVEL: 'warn',
    });
    const gauge = new MemoryGauge(aggregator.pid);
    const sender = await HostileSender.open(pipeline.stack.kafka, source.topic);
    for (let n = 0; n < records; n++) await sender.send([largeEvent(n, source.firstHour)]);
    await sender.close();
    const settled = pipeline.settled(PATIENCE_SECONDS).then(() => null);
    settled.catch(() => undefined); // where the aggregator has ended, nothing settles
    const end = await Promise.race([settled, aggregator.exited]);
    gauge.stop();
    const peak = (gauge.peak / MIB).toFixed(0);
    if (end !== null) {
      return [
        `a flood of ${String(records)} events of 1 MiB in one hour ended the aggregator at ${peak} MiB of memory ` +
          `(heap bound ${String(heapMib)} MiB)`,
      ];
    }
    process.stdout.write(
      `Flood: ${String(records)} events of 1 MiB in one hour; the aggregator used at most ${peak} MiB.\n`,
    );
    await aggregator.stop();
    return [];
  } finally {
    await pipeline.close();
  }
};
