import type { ClickHouseClient } from '@clickhouse/client';
import { createHash, randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { DEAD_LETTER_HEADERS } from '../../services/shared/model/dead-letter.ts';
import { describeUnreadable } from '../../services/shared/kafka/fetch/unreadable-batch.ts';
import { GroupReader } from '../../services/shared/kafka/group-reader.ts';
import type { LogRecord, TopicPartition } from '../../services/shared/model/log-record.ts';
import { batchesWithin, recordsOf } from '../../services/shared/model/record-batch.ts';
import { HostileJudge, type Fate, type JudgedTopic } from './hostile-judge.ts';
import { strictEvent } from './strict-avro.ts';

const MAX_DIFFERENCES = 20;

/** Reads a topic's partitions up to their ends as of now, each in order; holds no more than a batch. */
const readThrough = async (
  kafka: Kafka,
  topic: string,
  consume: (at: TopicPartition, records: readonly LogRecord[]) => Promise<void>,
): Promise<void> => {
  const admin = kafka.admin();
  await admin.connect();
  const groupId = `hostile-${randomUUID()}`;
  const left = new Map<number, { next: number; readonly end: number }>();
  for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
    if (low !== high) left.set(partition, { next: Number(low), end: Number(high) });
  }
  let reader: GroupReader | null = null;
  const finished = new Promise<void>((resolve, reject) => {
    if (left.size === 0) resolve();
    reader = new GroupReader(
      kafka,
      {
        assigned: () => Promise.resolve(),
        position: ({ partition }) => Promise.resolve(left.get(partition)?.next ?? null),
        consume: async (at, batches, next) => {
          const log = left.get(at.partition);
          if (!log) return false;
          const fresh = recordsOf(batchesWithin(batches, log.next, log.end));
          if (fresh.length > 0) await consume(at, fresh);
          log.next = Math.max(log.next, next);
          if (log.next < log.end) return true;
          left.delete(at.partition);
          if (left.size === 0) resolve();
          return false;
        },
        unreadable: (at, batch) =>
          Promise.reject(new Error(`${at.topic}: ${describeUnreadable(batch)}`)),
        stalled: () => undefined,
      },
      { groupId, topics: [topic], sessionTimeout: 30_000, onCrash: reject },
    );
    reader.start().catch(reject);
  });
  try {
    await finished;
  } finally {
    await (reader as GroupReader | null)?.stop();
    await admin.deleteGroups([groupId]).catch(() => undefined);
    await admin.disconnect();
  }
};

const digestOf = (key: Buffer | null, value: Buffer | null): string => {
  const hash = createHash('sha1');
  for (const part of [key, value]) {
    hash.update(part === null ? '-' : `${String(part.length)}:`).update(part ?? '');
  }
  return hash.digest('base64');
};

/**
 * Judges the whole log again and compares with what was stored: each dead letter with its code and
 * bytes, in ClickHouse and on its topic, and each accepted event with its contents.
 */
export class StoredCheck {
  readonly fates = new Map<Fate, number>();
  /** The first of them. */
  readonly differences: string[] = [];
  differenceCount = 0;
  private readonly kafka: Kafka;
  private readonly client: ClickHouseClient;
  private readonly topic: JudgedTopic;
  private readonly judges = new Map<number, HostileJudge>();
  /** Digests of the dead letters' bytes, by partition and offset. */
  private readonly refused = new Map<string, string>();

  constructor(kafka: Kafka, client: ClickHouseClient, topic: JudgedTopic) {
    this.kafka = kafka;
    this.client = client;
    this.topic = topic;
  }

  async run(deadLetterTopic: string, onProgress: (records: number) => void): Promise<void> {
    let read = 0;
    await readThrough(this.kafka, this.topic.topic, async ({ partition }, records) => {
      await this.compare(partition, records);
      read += records.length;
      onProgress(read);
    });
    await readThrough(this.kafka, deadLetterTopic, (_, records) => {
      for (const record of records) this.published(record);
      return Promise.resolve();
    });
    if (this.refused.size > 0) {
      this.differ(`${String(this.refused.size)} dead letters are not on ${deadLetterTopic}`);
    }
  }

  private differ(text: string): void {
    this.differenceCount++;
    if (this.differences.length < MAX_DIFFERENCES) this.differences.push(text);
  }

  private async compare(partition: number, records: readonly LogRecord[]): Promise<void> {
    const judge = this.judges.get(partition) ?? new HostileJudge(this.topic, partition);
    this.judges.set(partition, judge);
    const range = {
      topic: this.topic.topic,
      partition,
      from: records[0]?.offset ?? 0,
      to: records.at(-1)?.offset ?? 0,
    };
    const [letters, events] = await Promise.all([
      this.rows(range, LETTERS),
      this.rows(range, EVENTS),
    ]);
    for (const record of records) {
      const fate = judge.judge(record);
      this.fates.set(fate, (this.fates.get(fate) ?? 0) + 1);
      const name = `${String(partition)}/${String(record.offset)}`;
      const isCounted = fate === 'control' || fate === 'duplicate' || fate === 'accepted';
      if (!isCounted) this.refused.set(name, digestOf(record.key, record.value));
      const expected = isCounted ? undefined : letterText(record, fate);
      this.same(`${name} (${fate}) in dead_letters`, expected, letters.get(record.offset));
      const event = fate === 'accepted' ? eventText(record) : undefined;
      this.same(`${name} (${fate}) in usage_events`, event, events.get(record.offset));
    }
  }

  private same(what: string, expected: string | undefined, stored: string | undefined): void {
    if (expected === stored) return;
    const shown = (text = 'nothing'): string => text.slice(0, 300);
    this.differ(`${what}: expected ${shown(expected)}, stored is ${shown(stored)}`);
  }

  /** Rows by offset, as text. */
  private async rows(
    range: Readonly<Record<string, unknown>>,
    query: string,
  ): Promise<ReadonlyMap<number, string>> {
    const rows = await queryRows<{ place: string } & Record<string, unknown>>(
      this.client,
      `${query} AND r.topic = {topic:String} AND r.partition = {partition:UInt16}
       AND r.offset BETWEEN {from:UInt64} AND {to:UInt64}`,
      range,
    );
    return new Map(rows.map(({ place, ...rest }) => [Number(place), JSON.stringify(rest)]));
  }

  private published({ key, value, headers }: LogRecord): void {
    const partition = headers[DEAD_LETTER_HEADERS.partition] ?? '';
    const name = `${partition}/${headers[DEAD_LETTER_HEADERS.offset] ?? ''}`;
    const digest = this.refused.get(name);
    if (digest === undefined) return; // published again after a restart, or by another run
    this.refused.delete(name);
    if (digest !== digestOf(key, value)) this.differ(`${name}: other bytes on the topic`);
  }
}

const LETTERS = `SELECT toString(r.offset) AS place, code, base64Encode(record_key) AS record_key,
  base64Encode(record_value) AS record_value, record_headers FROM dead_letters AS r FINAL WHERE 1`;

const letterText = ({ key, value, headers }: LogRecord, code: string): string =>
  JSON.stringify({
    code,
    record_key: key?.toString('base64') ?? null,
    record_value: value?.toString('base64') ?? null,
    record_headers: JSON.stringify(headers),
  });

const EVENTS = `SELECT toString(r.offset) AS place, replaceAll(toString(event_id), '-', '') AS id,
  toString(toUnixTimestamp64Milli(usage_start)) AS start, toString(toUnixTimestamp64Milli(usage_end)) AS end,
  toString(quantity) AS quantity, subscription_id, meter_id, resource_uri, location, tags, additional_info
  FROM usage_events AS r FINAL WHERE 1`;

const eventText = ({ value }: LogRecord): string | undefined => {
  const event = value && strictEvent(value.subarray(5));
  if (!event) return undefined;
  return JSON.stringify({
    id: event.eventId.toString('hex'),
    start: String(event.usageStartTime),
    end: String(event.usageEndTime),
    quantity: decimalText(event.quantity),
    subscription_id: event.subscriptionId.toString('utf8'),
    meter_id: event.meterId.toString('utf8'),
    resource_uri: event.resourceUri.toString('utf8'),
    location: event.location.toString('utf8'),
    tags: event.tags?.toString('utf8') ?? null,
    additional_info: event.additionalInfo?.toString('utf8') ?? null,
  });
};

/** As ClickHouse writes `Decimal(76, 30)`: without zeros at the end. */
const decimalText = (bytes: Buffer): string => {
  const digits = BigInt(`0x${bytes.toString('hex')}`)
    .toString()
    .padStart(31, '0');
  const fraction = digits.slice(-30).replace(/0+$/, '');
  return digits.slice(0, -30) + (fraction === '' ? '' : `.${fraction}`);
};
